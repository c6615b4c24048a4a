import { checkAddresses, checkAgents, checkListen, checkPageUrl } from './check-addresses.ts'
import { checkBuilder } from './check-builder.ts'
import { checkBaseDirs } from './check-base-dirs.ts'
import { checkDatabase } from './check-database.ts'
import { checkLockUse } from './check-locks.ts'
import { checkNames } from './check-names.ts'
import { checkPastedSecrets } from './check-pasted-secrets.ts'
import { checkConfidential } from './check-secret.ts'
import { checkReferences } from './check-references.ts'
import { checkReporter } from './check-reporter.ts'
import { checkScheduler } from './check-scheduler.ts'
import { checkWorker } from './check-worker.ts'
import { check, count, duration, listOf, optional, options, path, positiveInteger, text } from './checks.ts'
import { isPlainObject } from './is-plain-object.ts'
import { Place } from './place.ts'
import type { Problem } from './problem.ts'
import type { MasterConfig } from './types.ts'

/** All that is wrong with a config, in its own order. Pure: reads no file, no environment and no secret. */
export function checkConfig(config: unknown): Problem[] {
  const root = new Place('', [])
  master(config, root)
  if (isPlainObject(config)) {
    checkNames(config, root)
    checkReferences(config, root)
    checkLockUse(config, root)
    checkAddresses(config, root)
    checkBaseDirs(config, root)
    checkPastedSecrets(config, root)
  }
  return root.problems
}

const master = options<MasterConfig>('the config', {
  title: optional(text),
  url: optional(checkPageUrl),
  listen: optional(checkListen),
  agents: optional(checkAgents),
  database: optional(checkDatabase),
  dataDir: optional(path),
  clusterKey: optional(checkConfidential),
  cluster: optional(text),
  sweepInterval: optional(duration({ min: 0.1 })),
  orphanGrace: optional(duration({ min: 0 })),
  auth: optional(check(`'none'`, (value) => value === 'none')),
  workers: listOf("worker such as localWorker('local-1')", checkWorker),
  builders: listOf('builder', checkBuilder),
  schedulers: optional((value, place) => {
    if (!Array.isArray(value)) return place.mustBe('an array of schedulers', value)
    for (const [index, entry] of value.entries()) checkScheduler(entry, place.index(index))
  }),
  reporters: optional((value, place) => {
    if (!Array.isArray(value)) return place.mustBe('an array of reporters', value)
    for (const [index, entry] of value.entries()) checkReporter(entry, place.index(index))
  }),
  secretsDir: optional(path),
  heartbeatInterval: optional(duration({ min: 0.1 })),
  maxDisconnected: optional(duration({ min: 0 })),
  maxInfraRetries: optional(count),
  maxArtifactSize: optional(positiveInteger),
  maxLogSize: optional(
    check('a number of bytes, at least 1024', (v) => Number.isSafeInteger(v) && (v as number) >= 1024),
  ),
})
