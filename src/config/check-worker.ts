import { check, duration, name, optional, options, path, positiveInteger, type Check } from './checks.ts'
import { checkEnv } from './check-env.ts'
import { checkProperties } from './check-properties.ts'
import { checkConfidential } from './check-secret.ts'
import { hintFor } from './hint-for.ts'
import { isPlainObject } from './is-plain-object.ts'
import { show } from './show.ts'
import type { LocalWorkerConfig, StaticWorkerConfig, WorkerConfig } from './types.ts'

export const checkWorker: Check = (value, place) => {
  if (!isPlainObject(value) || value.kind === undefined) {
    return place.mustBe("a worker such as localWorker('name') or staticWorker('name', { password })", value)
  }
  const kind = String(value.kind)
  if (!isKind(kind)) {
    return place
      .key('kind')
      .error(`is no kind of worker: ${show(kind)}${hintFor(kind, Object.keys(kinds), 'kinds')}`)
  }
  if ('options' in value) {
    return place.say(`${kind}Worker takes a name and an object: ${kind}Worker('name', { maxBuilds: 2 })`)
  }
  kinds[kind](value, place)
}

function isKind(kind: string): kind is WorkerConfig['kind'] {
  return Object.hasOwn(kinds, kind)
}

const common = {
  kind: () => {},
  name,
  maxBuilds: optional(positiveInteger),
  properties: optional(checkProperties),
  defaultProperties: optional(checkProperties),
  env: optional(checkEnv),
}

const address = (value: unknown) => typeof value === 'string' && /^[^\s@]+@[^\s@]+$/.test(value)

const kinds: Readonly<Record<WorkerConfig['kind'], Check>> = {
  static: options<StaticWorkerConfig>('a static worker', {
    ...common,
    password: checkConfidential,
    keepaliveInterval: optional(duration({ min: 0.1, orNull: 'off' })),
    notifyOnMissing: optional(
      check('a mail address or an array of them', (value) =>
        Array.isArray(value) ? value.every(address) : address(value),
      ),
    ),
    missingTimeout: optional(duration({ min: 0, orNull: 'never' })),
  }),
  local: options<LocalWorkerConfig>('a local worker', { ...common, baseDir: optional(path) }),
}
