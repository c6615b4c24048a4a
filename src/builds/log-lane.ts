import { sql, type Kysely } from 'kysely'
import { isWorthAnotherTry, Patience, type PatienceOptions } from '../db/patience.ts'
import type { Database } from '../db/schema.ts'
import { codecs, type OutputFrame } from '../protocol/output-frame.ts'
import { encodeRuns, type Run } from '../protocol/runs.ts'
import type { EventBody } from '../model/events.ts'
import { requireOwned } from './build-commit.ts'

/** A log that is being written: what has been handed to the lane so far, committed or not. */
export interface OpenLog {
  id: number
  readonly buildId: number
  bytes: number
  lines: number
}

export interface Chunk {
  readonly rawLength: number
  readonly lines: number
  readonly codec: OutputFrame['codec']
  readonly runs: readonly Run[]
  readonly body: Buffer
}

interface Item {
  readonly log: OpenLog
  readonly row: ReturnType<typeof chunkRow>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const maxRows = 500
const maxBytes = 8 * 1024 * 1024

/**
 * Log chunks have a lane of their own beside the group commit: what arrives while one batch is being committed goes
 * into the next. A promise resolves once its chunk is committed; only then may the agent forget the bytes. A database that
 * is away is waited for until the lane is closed: the agents' windows bound what gathers here. Chunks of a build that
 * another master has taken over are refused with Detached.
 */
export class LogLane {
  readonly #db: Kysely<Database>
  readonly #epoch: number
  readonly #publish: (event: EventBody) => void
  readonly #patience: Patience
  readonly #closing = new AbortController()
  #waiting: Item[] = []
  #flushing: Promise<void> | undefined

  constructor(
    db: Kysely<Database>,
    publish: (event: EventBody) => void,
    { epoch, ...patience }: PatienceOptions & { readonly epoch: number },
  ) {
    this.#db = db
    this.#epoch = epoch
    this.#publish = publish
    this.#patience = new Patience({ patience: Infinity, ...patience, signal: this.#closing.signal })
  }

  append(log: OpenLog, chunk: Chunk): Promise<void> {
    const row = chunkRow(log, chunk)
    log.bytes += chunk.rawLength
    log.lines += chunk.lines
    return new Promise((resolve, reject) => {
      this.#waiting.push({ log, row, resolve, reject })
      this.#flushing ??= this.#flush()
    })
  }

  /** Waits until everything handed over so far is committed or has failed. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#flushing
  }

  async #flush(): Promise<void> {
    // One turn of the event loop gathers what the sockets have delivered together.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) this.#tell(await this.#settle(this.#takeBatch()))
    this.#flushing = undefined
  }

  #takeBatch(): Item[] {
    let bytes = 0
    let count = 0
    while (count < this.#waiting.length && count < maxRows && (count === 0 || bytes < maxBytes)) {
      bytes += this.#waiting[count++]!.row.body.length
    }
    return this.#waiting.splice(0, count)
  }

  /** Returns what was stored. */
  async #settle(batch: readonly Item[]): Promise<readonly Item[]> {
    try {
      await this.#patience.insist(() => this.#store(batch))
      for (const item of batch) item.resolve()
      return batch
    } catch (error) {
      if (batch.length === 1 || isWorthAnotherTry(error)) {
        for (const item of batch) item.reject(error)
        return []
      }
      // One bad chunk must not take the others with it.
      const stored: Item[] = []
      for (const item of batch) stored.push(...(await this.#settle([item])))
      return stored
    }
  }

  async #store(batch: readonly Item[]): Promise<void> {
    const totals = new Map<number, { bytes: number; lines: number }>()
    for (const { row } of batch) {
      totals.set(row.log_id, { bytes: row.start + row.bytes, lines: row.first_line + row.lines })
    }
    const builds = [...new Set(batch.map(({ log }) => log.buildId))]
    const values = sql.join(
      [...totals].map(([id, t]) => sql`(${id}::bigint, ${t.bytes}::bigint, ${t.lines}::bigint)`),
    )
    await this.#db.transaction().execute(async (trx) => {
      const chunks = trx
        .insertInto('log_chunks')
        .values(batch.map((item) => item.row))
        .onConflict((oc) => oc.columns(['log_id', 'start']).doNothing())
        .execute()
      const lengths =
        sql`update logs set bytes = v.bytes, lines = v.lines from (values ${values}) as v (id, bytes, lines)
        where logs.id = v.id and logs.bytes < v.bytes`.execute(trx)
      await Promise.all([chunks, lengths, requireOwned(trx, builds, this.#epoch)])
    })
  }

  #tell(batch: readonly Item[]): void {
    const last = new Map(batch.map((item) => [item.log.id, item]))
    for (const { log, row } of last.values()) {
      this.#publish({
        type: 'log.grew',
        build: log.buildId,
        log: log.id,
        bytes: row.start + row.bytes,
        lines: row.first_line + row.lines,
      })
    }
  }
}

function chunkRow(log: OpenLog, chunk: Chunk) {
  return {
    log_id: log.id,
    start: log.bytes,
    bytes: chunk.rawLength,
    first_line: log.lines,
    lines: chunk.lines,
    codec: codecs.indexOf(chunk.codec),
    runs: encodeRuns(chunk.runs),
    body: chunk.body,
  }
}
