import type { StartFailure } from './instance-event.ts'
import type { InstanceRow } from './instance-row.ts'

/** Is told what has become of instances, once it is stored. */
export interface InstanceObserver {
  /** Into another state. */
  moved(worker: string, before: InstanceRow, after: InstanceRow): void
  startFailed(worker: string, code: StartFailure['code']): void
}

export const silentObserver: InstanceObserver = { moved: () => {}, startFailed: () => {} }
