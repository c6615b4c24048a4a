/**
 * Where an instance is in its life. Every state but `gone` has a deadline at which it is looked at again.
 *
 *     requested ──start() returned──► starting ──its agent is there──► attached ⇄ busy ─► (resetting ─► attached)
 *         │ ▲                            │                                │         │
 *         └─┘ start() failed, again      └── deadline, failure, lost, drain, nobody wants it ──► stopping ─► gone
 *
 * `stopping` ends what carries the id again and again until two lists, at least the backend's listLag apart, show nothing.
 */
export const instanceStates = [
  'requested',
  'starting',
  'sealing',
  'attached',
  'busy',
  'resetting',
  'stopping',
  'gone',
] as const
export type InstanceState = (typeof instanceStates)[number]

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
  /** Set: it takes no more builds, and is stopped after those it runs. */
  readonly stopReason: string | null
  /** The first list of those in a row that did not show it. */
  readonly unseenSince: number | null
}
