import { join, resolve } from 'node:path'
import { seconds } from '../model/durations.ts'
import { defaults } from './defaults.ts'
import type { ResolvedWorker } from './master-settings.ts'
import type { SecretKeeper } from './secret-keeper.ts'
import type { LatentWorkerConfig, WorkerConfig } from './types.ts'

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
  const { missingTimeout = defaults.missingTimeout, notifyOnMissing = [] } = worker
  const missing = {
    notifyOnMissing: typeof notifyOnMissing === 'string' ? [notifyOnMissing] : notifyOnMissing,
    missingTimeoutSeconds: missingTimeout === null ? null : seconds(missingTimeout) || null,
    notifyOnRecovery: worker.notifyOnRecovery ?? false,
    notifyOnFlapping: worker.notifyOnFlapping ?? false,
  }
  if (worker.kind === 'latent') return { kind: 'latent', ...common, ...missing, ...latentOptions(worker) }
  const { keepaliveInterval = defaults.keepaliveInterval } = worker
  return {
    kind: 'static',
    ...common,
    ...missing,
    password: keeper.keep(worker.password),
    keepaliveSeconds: keepaliveInterval === null ? null : seconds(keepaliveInterval),
  }
}

function latentOptions(worker: LatentWorkerConfig) {
  const {
    agentUrl = [],
    backend,
    image,
    instances = {},
    mistakes = [],
    park = false,
    reset = null,
    template,
  } = worker
  return {
    backend,
    template,
    image,
    reset,
    park,
    mistakes,
    buildWaitTimeout: seconds(worker.buildWaitTimeout ?? defaults.buildWaitTimeout),
    startTimeout: seconds(worker.startTimeout ?? defaults.startTimeout),
    maxStartAttempts: worker.maxStartAttempts ?? defaults.maxStartAttempts,
    max: instances.max ?? 1,
    minIdle: instances.minIdle ?? 0,
    maxBuildsPerInstance: instances.maxBuildsPerInstance ?? Infinity,
    maxAge: seconds(instances.maxAge ?? defaults.maxAge),
    onShutdown: worker.onShutdown,
    agentUrls: typeof agentUrl === 'string' ? [agentUrl] : agentUrl,
    pricePerHour: worker.pricePerHour ?? null,
    budgetPerDay: worker.budgetPerDay ?? null,
  }
}

/** Where a local worker works by default. */
export function localBaseDir(dataDir: string, name: string): string {
  return join(dataDir, 'workers', name)
}
