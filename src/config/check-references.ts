import { entriesOf, namesOf } from './entries-of.ts'
import { hintFor } from './hint-for.ts'
import { isPlainObject } from './is-plain-object.ts'
import type { Place } from './place.ts'
import { show } from './show.ts'

/** Builders name workers that exist; schedulers, reporters and `trigger` builders that exist; a worker that nobody names is idle for ever. */
export function checkReferences(config: Record<string, unknown>, root: Place): void {
  const used = new Set<string>()
  for (const builder of entriesOf(config.builders)) {
    const owner = builder.name === undefined ? 'this builder' : `builder ${show(builder.name)}`
    const place = root.key('builders').index(builder.index).key('workers')
    for (const name of checkList(builder.value.workers, place, {
      owner,
      to: 'worker',
      targets: config.workers,
    })) {
      used.add(name)
    }
    for (const step of entriesOf(builder.value.steps)) {
      const at = root.key('builders').index(builder.index).key('steps').index(step.index).key('builders')
      const named = { owner: `step ${show(step.name)}`, to: 'builder', targets: config.builders } as const
      checkList(step.value.builders, at, named)
    }
  }
  for (const scheduler of entriesOf(config.schedulers)) {
    const owner = scheduler.name === undefined ? 'this scheduler' : `scheduler ${show(scheduler.name)}`
    const place = root.key('schedulers').index(scheduler.index).key('builders')
    checkList(scheduler.value.builders, place, { owner, to: 'builder', targets: config.builders })
  }
  for (const { index, name, value } of entriesOf(config.reporters)) {
    if (!isPlainObject(value.options)) continue
    const owner = name === undefined ? 'this reporter' : `reporter ${show(name)}`
    const place = root.key('reporters').index(index)
    const { builders, workers } = config
    checkList(value.options.builders, place.key('builders'), { owner, to: 'builder', targets: builders })
    checkList(value.options.workers, place.key('workers'), { owner, to: 'worker', targets: workers })
  }
  if (!Array.isArray(config.builders)) return
  for (const { name, index } of entriesOf(config.workers)) {
    if (name === undefined || used.has(name)) continue
    root
      .key('workers')
      .index(index)
      .warn(`no builder uses worker ${show(name)}`)
  }
}

interface Reference {
  readonly owner: string
  readonly to: 'worker' | 'builder'
  /** The list of what may be named. */
  readonly targets: unknown
}

/** Checks a list of names and returns them. */
function checkList(list: unknown, place: Place, { owner, to, targets }: Reference): Set<string> {
  const seen = new Set<string>()
  if (!Array.isArray(list)) return seen
  const known = namesOf(targets)
  for (const [index, given] of list.entries()) {
    const at = place.index(index)
    const name: unknown = isPlainObject(given) ? given.name : given
    if (typeof given !== 'string') {
      const hint = typeof name === 'string' ? `; did you mean ${show(name)}?` : ''
      at.error(`must be the name of a ${to}, got ${show(given)}${hint}`)
    } else if (seen.has(given)) {
      at.warn(`${owner} names ${to} ${show(given)} twice`)
    } else if (!known.includes(given) && Array.isArray(targets)) {
      at.say(`${owner} names ${to} ${show(given)}${hintFor(given, known, `${to}s`)}`)
    }
    if (typeof name === 'string') seen.add(name)
  }
  return seen
}
