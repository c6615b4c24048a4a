import { backoff } from '../../util/backoff.ts'
import type { Clock } from '../../util/clock.ts'
import { isOutage, mayBePermanent } from '../client/is-outage.ts'
import { RemoteError } from '../client/remote-error.ts'
import type { FollowView } from './follow-view.ts'

export interface PatienceOptions {
  readonly signal: AbortSignal
  readonly clock: Clock
  /** Milliseconds of outage after which to give up. */
  readonly limit: number
  /** Is told once per outage, however many tries it takes. */
  readonly view: Pick<FollowView, 'lost' | 'back'>
}

/** Repeats requests through an outage of the master, with back-off. */
export class Patience {
  readonly #options: PatienceOptions
  #lost = false

  constructor(options: PatienceOptions) {
    this.#options = options
  }

  /** What `request` gives in the end. Throws what is no outage, the last error after the limit, the signal's reason. */
  async through<T>(request: () => Promise<T>): Promise<T> {
    const { signal, clock, limit } = this.#options
    const since = clock.now()
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await request()
        await this.#back()
        return answer
      } catch (error) {
        signal.throwIfAborted()
        const patience = mayBePermanent(error) ? Math.min(limit, illnessLimit) : limit
        if (!isOutage(error) || clock.now() - since > patience) throw error
        await this.#away(error)
        await clock.sleep(pause(error, attempt), signal)
      }
    }
  }

  async #away(error: unknown): Promise<void> {
    if (this.#lost) return
    this.#lost = true
    await this.#options.view.lost(error)
  }

  async #back(): Promise<void> {
    if (!this.#lost) return
    this.#lost = false
    await this.#options.view.back()
  }
}

function pause(error: unknown, attempt: number): number {
  const asked = error instanceof RemoteError ? (error.retryAfter ?? 0) : 0
  return Math.max(backoff(attempt, { initial: 200, max: 3000 }), Math.min(asked, 60_000))
}

/** Milliseconds after which status 500 is taken for a bug. */
const illnessLimit = 60_000
