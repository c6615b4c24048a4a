import type { ResolvedWorker } from './config/master-settings.ts'
import type { WorkerSpec } from './fleet/worker-spec.ts'

/** What the fleet needs to know of a worker of the config. */
export function workerSpec(worker: ResolvedWorker): WorkerSpec {
  const { defaultProperties, env, kind, locks, maxBuilds, name, properties } = worker
  const common = { kind, name, maxBuilds, properties, defaultProperties, env, locks }
  return worker.kind === 'static'
    ? { ...common, password: worker.password.value, keepaliveInterval: worker.keepaliveSeconds }
    : { ...common, keepaliveInterval: null }
}
