import type { ResolvedWorker } from './config/master-settings.ts'
import type { MissingSpec, WorkerSpec } from './fleet/worker-spec.ts'

/** What the fleet needs to know of a worker of the config. */
export function workerSpec(worker: ResolvedWorker): WorkerSpec {
  const { defaultProperties, env, kind, locks, maxBuilds, name, properties } = worker
  const common = { kind, name, maxBuilds, properties, defaultProperties, env, locks, ...missingOf(worker) }
  return worker.kind === 'static'
    ? { ...common, password: worker.password.value, keepaliveInterval: worker.keepaliveSeconds }
    : { ...common, keepaliveInterval: null }
}

function missingOf(worker: ResolvedWorker): { missing?: MissingSpec } {
  if (worker.kind === 'local' || worker.missingTimeoutSeconds === null) return {}
  const timeout = worker.missingTimeoutSeconds * 1000
  const minIdle = worker.kind === 'latent' ? worker.minIdle : 0
  const { notifyOnFlapping: flapping, notifyOnRecovery: recovery } = worker
  return { missing: { timeout, recovery, flapping, minIdle } }
}
