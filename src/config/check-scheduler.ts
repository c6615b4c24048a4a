import { listOf, name, optional, options, text, type Check } from './checks.ts'
import { hintFor } from './hint-for.ts'
import { isPlainObject } from './is-plain-object.ts'
import { show } from './show.ts'
import type { OnceConfig, SchedulerConfig } from './types.ts'

export const checkScheduler: Check = (value, place) => {
  if (!isPlainObject(value) || value.kind === undefined) {
    return place.mustBe('a scheduler such as once({ name, builders })', value)
  }
  const kind = String(value.kind)
  if (isKind(kind)) return kinds[kind](value, place)
  place
    .key('kind')
    .error(`is no kind of scheduler: ${show(kind)}${hintFor(kind, Object.keys(kinds), 'kinds')}`)
}

function isKind(kind: string): kind is SchedulerConfig['kind'] {
  return Object.hasOwn(kinds, kind)
}

const kinds: Readonly<Record<SchedulerConfig['kind'], Check>> = {
  once: options<OnceConfig>('once', {
    kind: () => {},
    name,
    builders: listOf('name of a builder', () => {}), // the names themselves: check-references
    reason: optional(text),
  }),
}
