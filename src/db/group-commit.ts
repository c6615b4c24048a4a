import type { Kysely, Transaction } from 'kysely'
import type { Logger } from 'pino'
import { RouseError } from '../model/errors.ts'
import { isConnectionFailure } from './connection-failure.ts'
import { isWorthAnotherTry, Patience, type PatienceOptions } from './patience.ts'
import type { Database } from './schema.ts'

/**
 * Runs queries on `trx` and nothing else. May run more than once, so it must be idempotent by key and epoch. Works of one
 * transaction run side by side: a work sees the queries that others sent before, not all of them as a block.
 */
export type Work<T> = (trx: Transaction<Database>) => Promise<T>

export interface GroupCommitOptions extends PatienceOptions {
  readonly log: Logger
  /** Most works in one transaction. Default 256. */
  readonly maxBatch?: number
  /** Most works that wait; more are refused. Default 10,000. */
  readonly maxPending?: number
}

/**
 * Commits writes in the order in which they came, all that wait in one transaction. A write resolves only after its
 * commit. When a transaction fails, its works run singly, each in a transaction of its own, so that a bad one fails alone.
 */
export class GroupCommit {
  readonly #db: Kysely<Database>
  readonly #options: Required<Omit<GroupCommitOptions, keyof PatienceOptions>>
  readonly #patience: Patience
  readonly #queue: Item[] = []
  #running: Promise<void> | undefined
  #closed = false

  constructor(db: Kysely<Database>, options: GroupCommitOptions) {
    this.#db = db
    this.#options = { maxBatch: 256, maxPending: 10_000, ...options }
    this.#patience = new Patience(options)
  }

  /** Resolves with what `work` returned once that is committed. Throws ROUSE_SHUTTING_DOWN after close. */
  write<T>(work: Work<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) throw new RouseError('ROUSE_SHUTTING_DOWN', 'the database is being closed')
      if (this.#queue.length >= this.#options.maxPending) {
        throw new RouseError('ROUSE_DATABASE_FAILED', `${this.#queue.length} writes wait for the database`, {
          advice: 'The database is too slow or away. Look at its load, its disk and its log.',
        })
      }
      this.#queue.push({ work, resolve: resolve as Item['resolve'], reject })
      this.#running ??= this.#run()
    })
  }

  /** Takes no more writes, and resolves when those that wait are settled. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch: Item[] = []
      try {
        const values = await this.#together(batch)
        this.#patience.recovered()
        for (const [i, item] of batch.entries()) item.resolve(values[i])
      } catch (error) {
        // Nothing was taken when not even a transaction could be begun.
        if (batch.length === 0) batch.push(...this.#queue.splice(0, this.#options.maxBatch))
        this.#options.log.debug({ err: error, works: batch.length }, 'a batch failed; its works run singly')
        await this.#singly(batch, error)
      }
    }
    this.#running = undefined
  }

  async #together(batch: Item[]): Promise<unknown[]> {
    return await this.#db.transaction().execute(async (trx) => {
      // Taken only now, so that what came while the transaction was begun goes with it.
      batch.push(...this.#queue.splice(0, this.#options.maxBatch))
      // Side by side, so that the connection pipelines their queries: the first ones go out in order, then the second ones.
      const outcomes = await Promise.allSettled(batch.map(({ work }) => work(trx)))
      const failed = outcomes.find((outcome) => outcome.status === 'rejected')
      if (failed) throw failed.reason
      return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value)
    })
  }

  async #singly(batch: readonly Item[], why: unknown): Promise<void> {
    let away: unknown
    if (batch.length === 1 && !isWorthAnotherTry(why)) return batch[0]!.reject(why)
    for (const item of batch) {
      if (away) item.reject(away)
      else {
        try {
          item.resolve(await this.#patience.insist(() => this.#db.transaction().execute(item.work)))
        } catch (error) {
          item.reject(error)
          if (isConnectionFailure(error)) away = error
        }
      }
    }
  }
}

interface Item {
  readonly work: Work<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}
