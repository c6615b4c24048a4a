import type { Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { Stream } from '../protocol/runs.ts'
import type { StepHost } from './build-tools.ts'
import type { OpenLog } from './log-lane.ts'
import type { StoredLog } from './stored-calls.ts'

/** A log and an offset in it. */
export interface NotePlace {
  readonly log: number
  readonly at: number
}

type Also = (trx: Transaction<Database>, log: OpenLog) => Promise<unknown>

/** The logs of one step. Commands share 'stdio', one after the other; one that runs beside another gets 'stdio-2'. */
export class StepLogs {
  readonly #host: StepHost
  readonly #stepId: number
  readonly #logs: OpenLog[]
  readonly #busy = new Set<OpenLog>()

  constructor(host: StepHost, stepId: number, stored: readonly StoredLog[]) {
    this.#host = host
    this.#stepId = stepId
    this.#logs = stored.map(({ bytes, id, lines }) => ({ id, buildId: host.facts.id, bytes, lines }))
  }

  /** A log for one writer at a time, to be given back; `also` is stored in the same transaction. */
  async take(also: Also = async () => {}): Promise<OpenLog> {
    const free = this.#logs.find((log) => !this.#busy.has(log))
    const log = free ?? { id: 0, buildId: this.#host.facts.id, bytes: 0, lines: 0 }
    this.#busy.add(log)
    if (!free) this.#logs.push(log)
    try {
      await (free ? this.#host.commit.write((trx) => also(trx, log)) : this.#create(log, also))
      return log
    } catch (error) {
      this.#busy.delete(log)
      if (!free) this.#logs.splice(this.#logs.indexOf(log), 1)
      throw error
    }
  }

  get ids(): readonly number[] {
    return this.#logs.filter((log) => log.id > 0).map((log) => log.id)
  }

  /** The log of a command that an earlier master began: nobody else writes to it. */
  takeStored(id: number): OpenLog {
    const log = this.#logs.find((stored) => stored.id === id)
    if (!log) throw new Error(`log ${id} is not one of the step's`)
    this.#busy.add(log)
    return log
  }

  giveBack(log: OpenLog): void {
    this.#busy.delete(log)
  }

  /**
   * Writes a line of the master's own. `begin` is told where it goes and stores that; it returns where an earlier master has
   * begun to write it.
   */
  async note(line: string, begin: (at: NotePlace) => Promise<NotePlace>): Promise<void> {
    const free = await this.take()
    const at = await begin({ log: free.id, at: free.bytes })
    const log = this.#logs.find(({ id }) => id === at.log) ?? free
    try {
      if (log.bytes > at.at) return
      await this.#append(log, 'header', Buffer.from(`${cut(line)}\n`))
    } finally {
      this.giveBack(free)
    }
  }

  /** Gives `work` a log to write the output of a command of the master's own to. */
  async writing<T>(
    work: (write: (stream: Stream, bytes: Buffer) => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const log = await this.take()
    const end = log.bytes + maxOutput
    try {
      return await work(async (stream, body) => {
        if (log.bytes >= end) return
        await this.#append(log, stream, body)
        if (log.bytes >= end) await this.#append(log, 'header', Buffer.from('\n[the rest was left out]\n'))
      })
    } finally {
      this.giveBack(log)
    }
  }

  #append(log: OpenLog, stream: Stream, body: Buffer): Promise<void> {
    const lines = body.filter((byte) => byte === newline).length
    const runs = [{ stream, length: body.length }]
    return this.#host.tools.lane.append(log, { rawLength: body.length, lines, codec: 'none', runs, body })
  }

  /** Marks all as complete. */
  async finish(): Promise<void> {
    const { commit, tools } = this.#host
    if (this.#logs.length === 0) return
    const ids = this.#logs.map((log) => log.id)
    await commit.write((trx) =>
      trx.updateTable('logs').set({ finished: true }).where('id', 'in', ids).execute(),
    )
    for (const { bytes, id, lines } of this.#logs) {
      tools.publish({ type: 'log.finished', build: this.#host.facts.id, log: id, bytes, lines })
    }
  }

  async #create(log: OpenLog, also: Also): Promise<void> {
    const { commit, tools } = this.#host
    const place = this.#logs.indexOf(log)
    const name = place === 0 ? 'stdio' : `stdio-${place + 1}`
    await commit.write(async (trx) => {
      const row = await trx
        .insertInto('logs')
        .values({ step_id: this.#stepId, name })
        .onConflict((oc) => oc.columns(['step_id', 'name']).doUpdateSet({ name }))
        .returning('id')
        .executeTakeFirstOrThrow()
      log.id = row.id
      await also(trx, log)
    })
    tools.publish({ type: 'log.created', build: this.#host.facts.id, step: this.#stepId, log: log.id, name })
  }
}

function cut(line: string): string {
  return line.length > maxNote ? `${line.slice(0, maxNote)} [${line.length - maxNote} more characters]` : line
}

const newline = 10
/** Characters: their bytes fit into one chunk of a log. */
const maxNote = 65_536
/** Bytes of the output of one command of the master's own. */
const maxOutput = 200 * 1024 * 1024
