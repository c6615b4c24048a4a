import { join, resolve } from 'node:path'
import { seconds } from '../model/durations.ts'
import { defaults } from './defaults.ts'
import type { ResolvedWorker } from './master-settings.ts'
import type { SecretKeeper } from './secret-keeper.ts'
import type { WorkerConfig } from './types.ts'

export interface WorkerSurroundings {
  /** The config's folder, where relative paths start. */
  readonly dir: string
  readonly dataDir: string
  readonly keeper: SecretKeeper
}

export function resolveWorker(
  worker: WorkerConfig,
  { dir, dataDir, keeper }: WorkerSurroundings,
): ResolvedWorker {
  const {
    name,
    maxBuilds = defaults.maxBuilds,
    properties = {},
    defaultProperties = {},
    env = {},
    locks = [],
  } = worker
  const common = { name, maxBuilds, properties, defaultProperties, env, locks }
  if (worker.kind === 'local') {
    const baseDir = worker.baseDir ?? localBaseDir(dataDir, name)
    return { kind: 'local', ...common, baseDir: resolve(dir, baseDir) }
  }
  const {
    keepaliveInterval = defaults.keepaliveInterval,
    notifyOnMissing = [],
    missingTimeout = defaults.missingTimeout,
  } = worker
  return {
    kind: 'static',
    ...common,
    password: keeper.keep(worker.password),
    keepaliveSeconds: keepaliveInterval === null ? null : seconds(keepaliveInterval),
    notifyOnMissing: typeof notifyOnMissing === 'string' ? [notifyOnMissing] : notifyOnMissing,
    missingTimeoutSeconds: missingTimeout === null ? null : seconds(missingTimeout) || null,
  }
}

/** Where a local worker works by default. */
export function localBaseDir(dataDir: string, name: string): string {
  return join(dataDir, 'workers', name)
}
