import { randomUUID } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import { seconds, type Duration } from '../model/durations.ts'
import type { PropertyValue } from '../model/properties.ts'
import type { Operation } from '../protocol/operation.ts'
import type {
  BuildFacts,
  CommandOptions,
  CommandOutcome,
  CommandRequest,
  StepContext,
} from '../steps/step.ts'
import { Command } from './command.ts'
import type { OpenLog } from './log-lane.ts'
import type { StepHost } from './build-tools.ts'

/** The context of one step while it runs: every effect is stored before it happens. */
export class StepRun implements StepContext {
  readonly build: BuildFacts
  readonly signal: AbortSignal
  readonly #running: StepHost
  readonly #stepId: number
  readonly #logs: OpenLog[] = []
  readonly #busyLogs = new Set<OpenLog>()
  #calls = 0

  constructor(running: StepHost, stepId: number, signal: AbortSignal) {
    this.#running = running
    this.#stepId = stepId
    this.signal = signal
    this.build = running.facts
  }

  get properties() {
    return this.#running.claimed.properties
  }

  async setProperty(name: string, value: PropertyValue): Promise<void> {
    const property = { name, value, source: 'step' } as const
    const row = { build_id: this.build.id, name, value: JSON.stringify(value), source: property.source }
    await this.#running.tools.commit.write((trx) =>
      trx
        .insertInto('build_properties')
        .values(row)
        .onConflict((oc) =>
          oc.columns(['build_id', 'name']).doUpdateSet({ value: row.value, source: row.source }),
        )
        .execute(),
    )
    this.properties.set(property)
  }

  async command(request: CommandRequest, options: CommandOptions = {}): Promise<CommandOutcome> {
    this.signal.throwIfAborted()
    const { claimed, place, runId, tools } = this.#running
    const operation = this.#operation(request)
    const id = randomUUID()
    const call = options.key ?? String(++this.#calls)
    const log = await this.#openLog(async (trx, log) => {
      await trx
        .insertInto('commands')
        .values({
          id,
          build_id: claimed.id,
          step_id: this.#stepId,
          call,
          operation: JSON.stringify(operation),
          log_id: log.id,
          log_base: log.bytes,
        })
        .onConflict((oc) => oc.column('id').doNothing())
        .execute()
    })
    const command = new Command({
      message: { type: 'run', command: id, workspace: `${place.builder}/${place.slot}`, operation },
      worker: place.worker,
      runId,
      log,
      capture: options.capture ?? 0,
    })
    const cancel = () => tools.commands.cancel(command, String(this.signal.reason))
    try {
      tools.commands.start(command)
      if (this.signal.aborted) cancel()
      else this.signal.addEventListener('abort', cancel, { once: true })
      const result = await command.finished
      return { ...result, stdout: await command.stdout() }
    } finally {
      this.signal.removeEventListener('abort', cancel)
      this.#busyLogs.delete(log)
    }
  }

  async note(line: string): Promise<void> {
    const log = await this.#openLog()
    try {
      const body = Buffer.from(`${line}\n`)
      const lines = line.split('\n').length
      const runs = [{ stream: 'header', length: body.length }] as const
      await this.#running.tools.lane.append(log, { rawLength: body.length, lines, codec: 'none', runs, body })
    } finally {
      this.#busyLogs.delete(log)
    }
  }

  async sleep(duration: Duration): Promise<void> {
    await this.#running.tools.clock.sleep(seconds(duration) * 1000, this.signal)
  }

  /** Marks the step's logs as complete. */
  async finishLogs(): Promise<void> {
    const { commit, publish } = this.#running.tools
    if (this.#logs.length === 0) return
    const ids = this.#logs.map((log) => log.id)
    await commit.write((trx) =>
      trx.updateTable('logs').set({ finished: true }).where('id', 'in', ids).execute(),
    )
    for (const { bytes, id, lines } of this.#logs) {
      publish({ type: 'log.finished', build: this.build.id, log: id, bytes, lines })
    }
  }

  // Commands of a step share the log 'stdio', one after the other; one that runs beside another gets 'stdio-2'.
  async #openLog(
    also: (trx: Transaction<Database>, log: OpenLog) => Promise<void> = async () => {},
  ): Promise<OpenLog> {
    const { commit, publish } = this.#running.tools
    const present = this.#logs.find((log) => !this.#busyLogs.has(log))
    if (present) {
      this.#busyLogs.add(present)
      await commit.write((trx) => also(trx, present))
      return present
    }
    const name = this.#logs.length === 0 ? 'stdio' : `stdio-${this.#logs.length + 1}`
    const log: OpenLog = { id: 0, buildId: this.build.id, bytes: 0, lines: 0 }
    this.#busyLogs.add(log)
    this.#logs.push(log)
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
    publish({ type: 'log.created', build: this.build.id, step: this.#stepId, log: log.id, name })
    return log
  }

  #operation(request: CommandRequest): Operation {
    if (request.op !== 'shell') return request
    const { env, place } = this.#running
    return {
      op: 'shell',
      command: typeof request.command === 'string' ? request.command : [...request.command],
      workdir: request.workdir ?? '.',
      env: { ...place.worker.spec.env, ...env, ...request.env },
      timeout: seconds(request.timeout ?? defaultSilence),
      maxTime: seconds(request.maxTime ?? 0),
      grace: seconds(request.grace ?? defaultGrace),
      ...(request.stdin === undefined ? {} : { stdin: request.stdin }),
    }
  }
}

/** Seconds of silence before a command is killed: Buildbot's 20 minutes. */
const defaultSilence = 1200
/** Seconds between SIGTERM and SIGKILL. */
const defaultGrace = 5
