import {
  amount,
  check,
  count,
  duration,
  optional,
  options,
  positiveInteger,
  type Check,
  type Checks,
} from './checks.ts'
import { isPlainObject } from './is-plain-object.ts'
import type { NotifyOptions } from '../latent/latent-worker.ts'
import type { LatentWorkerConfig } from './types.ts'

type Common = 'kind' | 'name' | 'maxBuilds' | 'properties' | 'defaultProperties' | 'env' | 'locks'
type Shared = Common | keyof NotifyOptions | 'missingTimeout'

/** A worker that a backend's function describes, such as dockerWorker(...). */
export function checkLatentWorker(shared: Pick<Checks<LatentWorkerConfig>, Shared>): Check {
  const known = options<LatentWorkerConfig & { password?: unknown }>('a latent worker', {
    ...shared,
    backend: check("a backend, as dockerWorker('name', { ... }) gives one", isBackend),
    template: () => {},
    image: () => {}, // whether there is one: check-image-use
    mistakes: (value, place) => {
      for (const mistake of Array.isArray(value) ? value : []) place.say(String(mistake))
    },
    secrets: () => {},
    password: (value, place) => {
      if (value !== undefined)
        place.warn(
          'a latent worker needs no password: each of its instances logs in with a credential of its own',
        )
    },
    reset: optional(check("'snapshot' or 'boot'", (value) => value === 'snapshot' || value === 'boot')),
    park: () => {}, // what the option `idle` of those that can becomes
    buildWaitTimeout: optional(wait),
    startTimeout: optional(duration({ min: 1 })),
    maxStartAttempts: optional(positiveInteger),
    instances: optional(
      options<NonNullable<LatentWorkerConfig['instances']>>('instances', {
        max: optional(positiveInteger),
        minIdle: optional(count),
        maxBuildsPerInstance: optional(positiveInteger),
        maxAge: optional(duration({ min: 1 })),
      }),
    ),
    onShutdown: optional(check("'stop' or 'keep'", (value) => value === 'stop' || value === 'keep')),
    agentUrl: optional(
      check(
        "an address such as 'ws://172.17.0.1:8011' or 'unix:/run/rouse.sock', or an array of them",
        (value) => (Array.isArray(value) ? value.length > 0 && value.every(isAgentUrl) : isAgentUrl(value)),
      ),
    ),
    pricePerHour: optional(amount),
    budgetPerDay: optional(amount),
  })
  return (value, place) => {
    known(value, place)
    const {
      budgetPerDay,
      buildWaitTimeout,
      park = false,
      instances,
      maxBuilds = 1,
      pricePerHour,
      reset,
    } = value as Partial<LatentWorkerConfig>
    const { max = 1, minIdle = 0 } = isPlainObject(instances) ? instances : {}
    if (reset !== undefined && maxBuilds > 1)
      place.key('maxBuilds').say('a machine that is reset after every build runs one at a time')
    if (park && reset !== undefined)
      place
        .key('idle')
        .say('a machine that is reset after every build is not stopped and woken: leave out one of the two')
    if (park && buildWaitTimeout !== undefined && isNone(buildWaitTimeout))
      place.key('idle').say('with buildWaitTimeout: 0 each build gets a fresh machine: give it some seconds')
    if (minIdle > max) place.key('instances').error(`minIdle is ${minIdle}, but max is only ${max}`)
    if (budgetPerDay !== undefined && pricePerHour === undefined)
      place.error('budgetPerDay says nothing without pricePerHour')
  }
}

const wait: Check = (value, place) => {
  // Negative: never.
  if (typeof value === 'number' && value < 0 && Number.isFinite(value)) return
  duration({ min: 0 })(value, place)
}

function isNone(wait: unknown): boolean {
  return wait === 0 || (typeof wait === 'string' && /^0+[a-z]*$/.test(wait))
}

function isBackend(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { key, kind, open } = value as Record<string, unknown>
  return typeof kind === 'string' && typeof key === 'string' && typeof open === 'function'
}

function isAgentUrl(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    (/^unix:\/./.test(value) || (/^wss?:\/\//.test(value) && URL.canParse(value)))
  )
}
