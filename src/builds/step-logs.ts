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

type Also = (trx: Transaction<Database>, logs: readonly OpenLog[]) => Promise<unknown>

interface NamedLog extends OpenLog {
  readonly name: string
}

/** The logs of one step. Commands share 'stdio', one after the other; one that runs beside another gets 'stdio-2', and so on. */
export class StepLogs {
  readonly #host: StepHost
  readonly #stepId: number
  readonly #logs: NamedLog[]
  readonly #busy = new Set<OpenLog>()

  constructor(host: StepHost, stepId: number, stored: readonly StoredLog[]) {
    this.#host = host
    this.#stepId = stepId
    this.#logs = stored.map((log) => ({ ...log, buildId: host.facts.id }))
  }

  /** Logs for one writer at a time, to be given back; `also` is stored in the same transaction. */
  async take(names: readonly string[], also: Also = async () => {}): Promise<OpenLog[]> {
    const { commit, tools } = this.#host
    const logs = names.map((name) => this.#free(name))
    const made = logs.filter((log) => log.id === 0)
    try {
      await commit.write(async (trx) => {
        for (const log of made) log.id = await this.#create(trx, log.name)
        await also(trx, logs)
      })
    } catch (error) {
      for (const log of logs) this.#busy.delete(log)
      for (const log of made) this.#logs.splice(this.#logs.indexOf(log), 1)
      throw error
    }
    for (const { id: log, name } of made)
      tools.publish({ type: 'log.created', build: this.#host.facts.id, step: this.#stepId, log, name })
    return logs
  }

  /** Those with what commands print. */
  get stdioIds(): readonly number[] {
    return this.#logs.filter(({ id, name }) => id > 0 && /^stdio(-\d+)?$/.test(name)).map((log) => log.id)
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
    const free = await this.#takeStdio()
    try {
      const at = await begin({ log: free.id, at: free.bytes })
      const log = this.#logs.find(({ id }) => id === at.log) ?? free
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
    const log = await this.#takeStdio()
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

  async #takeStdio(): Promise<OpenLog> {
    const [log] = await this.take(['stdio'])
    return log!
  }

  #free(wanted: string): NamedLog {
    for (let n = 1; ; n++) {
      const name = n === 1 ? wanted : `${wanted}-${n}`
      const found = this.#logs.find((log) => log.name === name)
      if (found && this.#busy.has(found)) continue
      const log = found ?? { id: 0, name, buildId: this.#host.facts.id, bytes: 0, lines: 0 }
      if (!found) this.#logs.push(log)
      this.#busy.add(log)
      return log
    }
  }

  async #create(trx: Transaction<Database>, name: string): Promise<number> {
    const row = await trx
      .insertInto('logs')
      .values({ step_id: this.#stepId, name })
      .onConflict((oc) => oc.columns(['step_id', 'name']).doUpdateSet({ name }))
      .returning('id')
      .executeTakeFirstOrThrow()
    return row.id
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
