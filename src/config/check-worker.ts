import { checkByKind } from './check-by-kind.ts'
import { checkEnv } from './check-env.ts'
import { checkLatentWorker } from './check-latent-worker.ts'
import { checkLocks } from './check-locks.ts'
import { checkProperties } from './check-properties.ts'
import { checkConfidential } from './check-secret.ts'
import {
  check,
  duration,
  name,
  optional,
  options,
  path,
  positiveInteger,
  yesOrNo,
  type Check,
} from './checks.ts'
import { isPlainObject } from './is-plain-object.ts'
import type { LocalWorkerConfig, StaticWorkerConfig, WorkerConfig } from './types.ts'

export const checkWorker: Check = (value, place) => {
  // describe-worker keeps here what was given instead of an object: staticWorker('bot', 'password').
  if (!isPlainObject(value) || !('options' in value)) return checkAnyWorker(value, place)
  place.say("a worker takes a name and an object of options: localWorker('name', { maxBuilds: 2 })")
}

const common = {
  kind: () => {},
  name,
  maxBuilds: optional(positiveInteger),
  properties: optional(checkProperties),
  defaultProperties: optional(checkProperties),
  env: optional(checkEnv),
  locks: optional(checkLocks),
}

const address = (value: unknown) => typeof value === 'string' && /^[^\s@]+@[^\s@]+$/.test(value)

const missing = {
  notifyOnMissing: optional(
    check('a mail address or an array of them', (value) =>
      Array.isArray(value) ? value.every(address) : address(value),
    ),
  ),
  missingTimeout: optional(duration({ min: 0, orNull: 'never' })),
  notifyOnRecovery: optional(yesOrNo),
  notifyOnFlapping: optional(yesOrNo),
}

const kinds: Readonly<Record<WorkerConfig['kind'], Check>> = {
  static: options<StaticWorkerConfig>('a static worker', {
    ...common,
    password: checkConfidential,
    keepaliveInterval: optional(duration({ min: 0.1, orNull: 'off' })),
    ...missing,
  }),
  local: options<LocalWorkerConfig>('a local worker', { ...common, baseDir: optional(path) }),
  latent: checkLatentWorker({ ...common, ...missing }),
}

const checkAnyWorker = checkByKind({
  what: 'worker',
  example: "localWorker('name') or staticWorker('name', { password })",
  checks: kinds,
})
