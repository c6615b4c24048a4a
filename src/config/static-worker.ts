import { describeWorker } from './describe-worker.ts'
import type { StaticWorkerConfig, StaticWorkerOptions } from './types.ts'

/** A worker on a machine of yours: its agent logs in with this name and `password`. */
export function staticWorker(name: string, options: StaticWorkerOptions): StaticWorkerConfig {
  return describeWorker('static', name, options)
}
