import { checkByKind } from './check-by-kind.ts'
import { listOf, name, optional, options, text, type Check } from './checks.ts'
import type { OnceConfig, SchedulerConfig } from './types.ts'

const kinds: Readonly<Record<SchedulerConfig['kind'], Check>> = {
  once: options<OnceConfig>('once', {
    kind: () => {},
    name,
    builders: listOf('name of a builder', () => {}), // the names themselves: check-references
    reason: optional(text),
  }),
}

export const checkScheduler = checkByKind({
  what: 'scheduler',
  example: 'once({ name, builders })',
  checks: kinds,
})
