import type { Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { Clock } from '../util/clock.ts'
import type { StartFailure } from './instance-event.ts'

export interface Backoff {
  readonly code: StartFailure['code']
  readonly message: string
  /** Failed starts in a row. */
  readonly failures: number
  /** Milliseconds since the epoch before which nothing is started from this template. */
  readonly until: number
}

/**
 * Which templates of which workers have failed lately: kept in the database, so that a restart does not begin afresh. One that
 * has been over for a day is forgotten: computed templates may never come again.
 */
export class Backoffs {
  readonly #clock: Clock
  readonly #byTemplate = new Map<string, Backoff>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async load(trx: Transaction<Database>): Promise<void> {
    await trx
      .deleteFrom('start_backoffs')
      .where('until', '<', new Date(this.#clock.now() - keptFor))
      .execute()
    for (const { code, failures, message, template_hash, until, worker_id } of await trx
      .selectFrom('start_backoffs')
      .selectAll()
      .execute())
      this.#byTemplate.set(keyOf(worker_id, template_hash), {
        code,
        message,
        failures,
        until: until.getTime(),
      })
  }

  /** Set while nothing is to be started. */
  of(workerId: number, templateHash: string): Backoff | undefined {
    const backoff = this.#byTemplate.get(keyOf(workerId, templateHash))
    return backoff && backoff.until > this.#clock.now() ? backoff : undefined
  }

  /** When the next one is over. */
  nextTime(now: number): number {
    let next = Infinity
    for (const { until } of this.#byTemplate.values()) if (until > now && until < next) next = until
    return next
  }

  /** What one more failure makes of it; to be stored by `store` and then made known by `note`. */
  after(workerId: number, templateHash: string, { code, message }: StartFailure): Backoff {
    const before = this.#byTemplate.get(keyOf(workerId, templateHash))
    const now = this.#clock.now()
    // Starts that fail side by side are one failure.
    if (before && before.until > now + together) return { ...before, code, message: message.slice(0, 2000) }
    const failures = (before?.failures ?? 0) + 1
    const delay = code === 'REJECTED' ? rejectedFor : Math.min(longest, first * 2 ** (failures - 1))
    return { code, message: message.slice(0, 2000), failures, until: now + delay }
  }

  note(workerId: number, templateHash: string, backoff: Backoff): void {
    const old = this.#clock.now() - keptFor
    for (const [key, { until }] of this.#byTemplate) if (until < old) this.#byTemplate.delete(key)
    this.#byTemplate.set(keyOf(workerId, templateHash), backoff)
  }

  /** A good build: the next failure is the first again. False when there was none. */
  forget(workerId: number, templateHash: string): boolean {
    return this.#byTemplate.delete(keyOf(workerId, templateHash))
  }
}

export async function storeBackoff(
  trx: Transaction<Database>,
  workerId: number,
  templateHash: string,
  { until, ...backoff }: Backoff,
): Promise<void> {
  const row = { ...backoff, message: backoff.message.replaceAll('\0', '\ufffd'), until: new Date(until) }
  await trx
    .insertInto('start_backoffs')
    .values({ worker_id: workerId, template_hash: templateHash, ...row })
    .onConflict((oc) => oc.columns(['worker_id', 'template_hash']).doUpdateSet(row))
    .execute()
}

export async function storeNoBackoff(
  trx: Transaction<Database>,
  workerId: number,
  templateHash: string,
): Promise<void> {
  await trx
    .deleteFrom('start_backoffs')
    .where('worker_id', '=', workerId)
    .where('template_hash', '=', templateHash)
    .execute()
}

function keyOf(workerId: number, templateHash: string): string {
  return `${workerId} ${templateHash}`
}

/** Milliseconds: 10, 20, 40 ... 3600 s. */
const first = 10_000
const longest = 3_600_000
/** Milliseconds: a try at the end of a back-off comes a moment early. */
const together = 1000
/** A template that was refused may have been mended at the provider's: its image pushed, its quota raised. */
const rejectedFor = 600_000
const keptFor = 86_400_000
