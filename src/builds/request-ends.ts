import type { Kysely } from 'kysely'
import { Patience } from '../db/patience.ts'
import type { Database } from '../db/schema.ts'
import type { EventBody } from '../model/events.ts'
import type { Result } from '../model/results.ts'
import type { Clock } from '../util/clock.ts'

/** Tells those who wait for them when requests have ended: at once here, within some seconds when another master ended them. */
export class RequestEnds {
  readonly #db: Kysely<Database>
  readonly #clock: Clock
  readonly #waiting = new Set<{ ids: ReadonlySet<number>; wake: () => void }>()

  constructor(db: Kysely<Database>, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  /** To be told every event. */
  heard(event: EventBody): void {
    if (event.type !== 'request.completed') return
    for (const { ids, wake } of this.#waiting) if (ids.has(event.request)) wake()
  }

  /** Resolves with the results, in the order of the ids; rejects with the signal's reason. */
  async of(ids: readonly number[], signal: AbortSignal): Promise<Result[]> {
    const patience = new Patience()
    const pause = new Pause(this.#clock, signal)
    const waiting = { ids: new Set(ids), wake: () => pause.end() }
    this.#waiting.add(waiting)
    try {
      for (;;) {
        signal.throwIfAborted()
        // What ends while this is asked ends the pause after it.
        pause.arm()
        const results = await patience.insist(() => this.#resultsOf(ids))
        if (ids.every((id) => results.has(id))) return ids.map((id) => results.get(id)!)
        await pause.over()
      }
    } finally {
      pause.end()
      this.#waiting.delete(waiting)
    }
  }

  async #resultsOf(ids: readonly number[]): Promise<Map<number, Result>> {
    const rows = await this.#db
      .selectFrom('requests')
      .select(['id', 'result'])
      .where('id', 'in', ids)
      .where('result', 'is not', null)
      .execute()
    return new Map(rows.map((row) => [row.id, row.result!]))
  }
}

/** Some seconds that can be cut short. */
class Pause {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #cut = new AbortController()

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  arm(): void {
    this.#cut = new AbortController()
  }

  end(): void {
    this.#cut.abort()
  }

  async over(): Promise<void> {
    await this.#clock.sleep(lookAgain, AbortSignal.any([this.#cut.signal, this.#signal])).catch(() => {})
  }
}

/** Milliseconds between looks at what nobody told. */
const lookAgain = 10_000
