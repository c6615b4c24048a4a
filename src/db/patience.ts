import { backoff } from '../util/backoff.ts'
import { systemClock, type Clock } from '../util/clock.ts'
import { codeOf, isConnectionFailure } from './connection-failure.ts'

export interface PatienceOptions {
  /** Milliseconds for which a write is tried again while the database is away. Default 20 s: less than a lease. */
  readonly patience?: number
  readonly clock?: Clock
  /** Aborted: what fails from now on is not tried again. */
  readonly signal?: AbortSignal | undefined
}

/** Rides out a database that is away for a moment. Counted over all writes, so that a long queue does not wait this long for each. */
export class Patience {
  readonly #patience: number
  readonly #clock: Clock
  readonly #signal: AbortSignal | undefined
  #troubleSince: number | undefined

  constructor({ patience = 20_000, clock = systemClock, signal }: PatienceOptions = {}) {
    this.#patience = patience
    this.#clock = clock
    this.#signal = signal
  }

  /** The database answers: the next trouble has the whole patience again. */
  recovered(): void {
    this.#troubleSince = undefined
  }

  /** Runs an idempotent write until it succeeds, fails for a reason of its own, or the patience is over. */
  async insist<T>(write: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        const value = await write()
        this.recovered()
        return value
      } catch (error) {
        if (!isWorthAnotherTry(error)) {
          this.recovered()
          throw error
        }
        this.#troubleSince ??= this.#clock.now()
        const wait = backoff(attempt, { initial: 50, max: 1000 })
        const end = this.#signal?.aborted ? 0 : this.#troubleSince + this.#patience
        if (this.#clock.now() + wait > end) throw error
        await this.#clock.sleep(wait, this.#signal).catch(() => {})
      }
    }
  }
}

/** Whether the database was away, or rolled the transaction back because of another one (class 40: deadlock, serialization). */
export function isWorthAnotherTry(error: unknown): boolean {
  return isConnectionFailure(error) || (codeOf(error)?.startsWith('40') ?? false)
}
