import { describeWorker } from './describe-worker.ts'
import type { LocalWorkerConfig, LocalWorkerOptions } from './types.ts'

/** A worker on the master's own machine, started and stopped with the master. It needs no password. */
export function localWorker(name: string, options: LocalWorkerOptions = {}): LocalWorkerConfig {
  return describeWorker('local', name, options)
}
