import { checkRenderableEnv } from './check-env.ts'
import { checkLocks } from './check-locks.ts'
import { checkProperties } from './check-properties.ts'
import { checkStep } from './check-step.ts'
import { check, listOf, name, optional, options } from './checks.ts'
import type { BuilderConfig } from './types.ts'

const aFunction = optional(check('a function', (value) => typeof value === 'function'))

export const checkBuilder = options<BuilderConfig>('a builder', {
  name,
  description: optional(check('a string', (value) => typeof value === 'string')),
  workers: listOf('name of a worker', () => {}), // the names themselves: check-references
  steps: listOf('step', checkStep),
  properties: optional(checkProperties),
  env: optional(checkRenderableEnv),
  locks: optional(checkLocks),
  collapseRequests: optional(
    check(
      "true, false, 'all' or a function",
      (value) => [true, false, 'all'].includes(value as boolean) || typeof value === 'function',
    ),
  ),
  nextBuild: aFunction,
  nextWorker: aFunction,
  canStartBuild: aFunction,
})
