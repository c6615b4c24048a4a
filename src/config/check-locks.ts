import { check, name, optional, options, positiveInteger, record, type Check } from './checks.ts'
import { entriesOf } from './entries-of.ts'
import { isPlainObject } from './is-plain-object.ts'
import type { Lock, LockAccess } from '../model/lock.ts'
import type { Place } from './place.ts'
import { show } from './show.ts'

/** The `locks` of a builder, a worker or a step. */
export const checkLocks: Check = (value, place) => {
  if (!Array.isArray(value)) return place.mustBe("an array such as [db.access('exclusive')]", value)
  for (const [index, access] of value.entries()) checkAccess(access, place.index(index))
}

const checkAccess: Check = (value, place) => {
  if (!isPlainObject(value) || value.kind !== 'lock-access') {
    const hint =
      isPlainObject(value) && value.kind === 'lock' ? "; did you mean its .access('exclusive')?" : ''
    return place.error(`must be what the access() of a lock returns, got ${show(value)}${hint}`)
  }
  accessOptions(value, place)
  const { count, lock, mode } = value as unknown as LockAccess
  const most = mode === 'counting' && isPlainObject(lock) ? (lock.maxCount ?? 1) : Infinity
  if (count > most) place.say(`it wants ${count} of lock ${show(lock.name)}, and there are only ${most}`)
}

const lockOptions: Check = (value, place) => {
  if (isPlainObject(value) && value.scope === 'master' && value.maxCountForWorker !== undefined) {
    return place.unknownOption('maxCountForWorker', 'a master lock', ['maxCount'])
  }
  anyLock(value, place)
}

const anyLock = options<Lock>('a lock', {
  kind: () => {},
  scope: () => {},
  access: () => {},
  name,
  maxCount: optional(positiveInteger),
  maxCountForWorker: optional(record(() => undefined, positiveInteger)),
})

const accessOptions = options<LockAccess>("a lock's access", {
  kind: () => {},
  lock: lockOptions,
  mode: check("'counting' or 'exclusive'", (value) => value === 'counting' || value === 'exclusive'),
  count: positiveInteger,
})

/** What only shows when all locks are seen together: two of one name, and builds that would wait for each other for ever. */
export function checkLockUse(config: Record<string, unknown>, root: Place): void {
  const known = new Map<string, string>()
  const sure = (value: unknown, place: Place) => namesOf(value, place, known)
  const ofWorker = new Map<unknown, string[]>()
  for (const { index, name, value } of entriesOf(config.workers)) {
    ofWorker.set(name, sure(value.locks, root.key('workers').index(index).key('locks')))
  }
  const after = new Map<string, Set<string>>()
  for (const { index, value } of entriesOf(config.builders)) {
    const place = root.key('builders').index(index)
    const workers: unknown[] = Array.isArray(value.workers) ? value.workers : []
    const held = new Set(sure(value.locks, place.key('locks')))
    for (const lock of workers.flatMap((worker) => ofWorker.get(worker) ?? [])) held.add(lock)
    for (const step of entriesOf(value.steps)) {
      const at = place.key('steps').index(step.index).key('locks')
      for (const wanted of sure(step.value.locks, at)) {
        if (held.has(wanted))
          at.say(`its build holds lock ${show(wanted)} already: the step would wait for ever`)
        else for (const lock of held) after.set(lock, (after.get(lock) ?? new Set()).add(wanted))
      }
    }
  }
  const circle = circleIn(after)
  if (!circle) return
  const text = circle.map(show).join(', then ')
  root
    .key('builders')
    .say(`locks are taken in a circle (${text}): two builds could wait for each other for ever`)
}

/** Names of the locks, which are told when they are described in two ways. */
function namesOf(accesses: unknown, place: Place, known: Map<string, string>): string[] {
  return entriesOf(accesses).flatMap(({ index, value }) => {
    if (!isPlainObject(value.lock) || typeof value.lock.name !== 'string') return []
    const { maxCount, maxCountForWorker, name, scope } = value.lock
    const description = JSON.stringify([scope, maxCount, maxCountForWorker])
    const other = known.get(name) ?? description
    known.set(name, other)
    if (other !== description) {
      place
        .index(index)
        .say(`lock ${show(name)} is described in two ways; make it once and use it everywhere`)
    }
    return name
  })
}

function circleIn(after: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const done = new Set<string>()
  const from = (lock: string, path: readonly string[]): string[] | undefined => {
    const start = path.indexOf(lock)
    if (start >= 0) return [...path.slice(start), lock]
    if (done.has(lock)) return undefined
    done.add(lock)
    for (const next of after.get(lock) ?? []) {
      const circle = from(next, [...path, lock])
      if (circle) return circle
    }
    return undefined
  }
  for (const lock of after.keys()) {
    const circle = from(lock, [])
    if (circle) return circle
  }
  return undefined
}
