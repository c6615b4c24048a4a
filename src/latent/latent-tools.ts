import type { Logger } from 'pino'
import type { Work } from '../db/group-commit.ts'
import type { Worker } from '../fleet/worker.ts'
import type { EventBody } from '../model/events.ts'
import type { Clock } from '../util/clock.ts'
import type { Backoff, Backoffs } from './backoffs.ts'
import type { StartFailure } from './instance-event.ts'
import type { InstanceObserver } from './instance-observer.ts'
import type { InstanceFacts } from './ledger.ts'
import type { OpenBackend } from './open-backend.ts'

/** What every instance needs of the engine. */
export interface LatentTools {
  readonly clock: Clock
  readonly log: Logger
  readonly master: { readonly id: string; readonly epoch: number }
  readonly backoffs: Backoffs
  /** Why nothing is decided about instances now: whose they are is not known. */
  held(): string | undefined
  /** Tries until it works or this master stops. */
  store<T>(work: Work<T>): Promise<T>
  readonly publish: (event: EventBody) => void
  readonly observer: InstanceObserver
  /** Ends the connection of its agent. */
  disconnect(worker: Worker, reason: string): void
  /** Its machine is gone. */
  lose(worker: Worker, reason: string): void
  /** A failed start is stored. */
  blamed(
    facts: InstanceFacts,
    backoff: Backoff | undefined,
    requests: readonly { readonly id: number; readonly attempts: number }[],
    failure: StartFailure,
  ): void
  /** Something has changed there: its list is asked for before its turn. */
  soon(backend: OpenBackend): void
}
