import type { InstanceState } from '../model/instance-state.ts'

/** One row of the ledger, as the rules see it. Times are milliseconds since the epoch. */
export interface InstanceRow {
  readonly id: string
  readonly state: InstanceState
  readonly generation: number
  /** How often `start` has failed or its agent did not come, plus one. */
  readonly attempt: number
  /** The provider's own id. */
  readonly ref: string | null
  /** What went wrong last, or what the provider says: for people. */
  readonly detail: string | null
  /** null only when it is gone. */
  readonly deadline: number | null
  /** When `start` is called again after a failure. */
  readonly retryAt: number | null
  readonly createdAt: number
  readonly changedAt: number
  readonly idleSince: number | null
  /** Builds begun on it so far. */
  readonly builds: number
  /** How often it has been parked. */
  readonly parkings: number
  /** Set: it takes no more builds, and is stopped after those it runs. */
  readonly stopReason: string | null
  /** The first list of those in a row that did not show it. */
  readonly unseenSince: number | null
}
