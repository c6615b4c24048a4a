import type { Logger } from 'pino'
import { sql } from 'kysely'
import type { GroupCommit } from '../db/group-commit.ts'
import type { Worker, WorkerSession } from '../fleet/worker.ts'
import { messageOf } from '../model/errors.ts'
import type { Done, Hello, Welcome } from '../protocol/messages.ts'
import type { OutputFrame } from '../protocol/output-frame.ts'
import type { CommandResult } from '../protocol/operation.ts'
import type { Clock } from '../util/clock.ts'
import { InfrastructureFailure, type Command } from './command.ts'
import type { LogLane } from './log-lane.ts'

interface CommandsOptions {
  readonly commit: GroupCommit
  readonly lane: LogLane
  readonly log: Logger
  readonly clock: Clock
  /** Seconds that a command waits for its agent's return. */
  readonly maxDisconnected: number
  /** A session has ended the last command of an earlier build and may take new ones. */
  readonly freed: (session: WorkerSession) => void
}

/** Every command in flight on this master, and what its agents say of them. */
export class Commands {
  readonly #o: CommandsOptions
  readonly #byId = new Map<string, Command>()

  constructor(options: CommandsOptions) {
    this.#o = options
  }

  /** Gives a stored command to its worker's agent, or keeps it for the moment the agent is back. */
  start(command: Command): void {
    this.#byId.set(command.id, command)
    const { session } = command.worker
    if (session && session.runId !== command.runId)
      this.#lose(command, 'its agent was restarted before it began')
    else if (session?.welcomed) session.send(command.message)
  }

  cancel(command: Command, reason: string): void {
    command.cancelReason ??= reason.slice(0, 256)
    const { session } = command.worker
    if (!session) this.#endUnheard(command)
    else if (session.welcomed)
      session.send({ type: 'cancel', command: command.id, reason: command.cancelReason })
  }

  /** Lets go of every command, for the end of this master: agents are told to end them when they next say hello. */
  abandonAll(reason: string): void {
    for (const command of this.#byId.values()) this.#lose(command, reason)
  }

  /** The worker's connection is gone: what was being cancelled is taken as cancelled, the rest waits for its return. */
  disconnected(worker: Worker): void {
    for (const command of this.#byId.values()) {
      if (command.worker === worker && command.cancelReason) this.#endUnheard(command)
    }
  }

  /** Gives up on commands whose agent stayed away for longer than `maxDisconnected`, until aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, maxDisconnected } = this.#o
    while (!signal.aborted) {
      await clock.sleep(Math.min(5, maxDisconnected / 5) * 1000, signal).catch(() => {})
      for (const command of this.#byId.values()) {
        const { disconnectedAt, session } = command.worker
        if (session || !disconnectedAt || clock.now() - disconnectedAt.getTime() < maxDisconnected * 1000)
          continue
        this.#lose(command, `its agent has been away for more than ${maxDisconnected} s`)
      }
    }
  }

  resume(session: WorkerSession, hello: Hello): Welcome['resume'] {
    const held = new Map(hello.commands.map((c) => [c.id, c]))
    const resume: Welcome['resume'] = []
    for (const command of [...this.#byId.values()]) {
      if (command.worker !== session.worker) continue
      if (command.runId !== hello.runId) {
        this.#lose(command, 'its agent was restarted')
      } else if (held.delete(command.id)) {
        resume.push({ command: command.id, logs: [{ log: 0, bytes: command.received }] })
        if (command.cancelReason) setImmediate(() => this.cancel(command, command.cancelReason!))
      } else {
        // The connection broke before the agent got it; running it is idempotent by id.
        setImmediate(() => session.send(command.message))
      }
    }
    for (const { id, logs, result } of held.values()) {
      if (result) continue
      session.dying.add(id)
      resume.push({ command: id, logs })
    }
    return resume
  }

  output(session: WorkerSession, frame: OutputFrame): void {
    const command = this.#byId.get(frame.command)
    if (!command || command.worker !== session.worker) {
      // Output of a command that has ended here: nobody wants it, the agent may let go of it.
      const offset = frame.offset + frame.rawLength
      return session.send({ type: 'ack', command: frame.command, log: frame.log, offset })
    }
    if (frame.log !== 0 || frame.offset > command.received) return session.close('output with a gap')
    if (frame.offset < command.received) return
    command.received += frame.rawLength
    const offset = command.received
    command.keep(frame)
    command.stored = this.#o.lane.append(command.log, frame).then(
      () => command.worker.session?.send({ type: 'ack', command: command.id, log: 0, offset }),
      (error: unknown) => this.#lose(command, `its output could not be stored: ${messageOf(error)}`),
    )
  }

  done(session: WorkerSession, message: Done): void {
    const command = this.#byId.get(message.command)
    if (!command || command.worker !== session.worker) {
      session.send({ type: 'forget', command: message.command })
      if (session.dying.delete(message.command) && session.dying.size === 0) this.#o.freed(session)
      return
    }
    const claimed = message.logs.find((l) => l.log === 0)?.bytes ?? 0
    if (claimed > command.received) return session.close('done before all of its output')
    this.#finish(command, clean(message.result)).catch((error: unknown) => {
      this.#lose(command, `its result could not be stored: ${messageOf(error)}`)
    })
  }

  // Its output is committed first. A late duplicate is dropped: the first commit wins.
  async #finish(command: Command, result: CommandResult): Promise<void> {
    await command.stored
    if (!this.#byId.has(command.id)) return
    await this.#o.commit.write((trx) =>
      trx
        .updateTable('commands')
        .set({ result: JSON.stringify(result), finished_at: sql<Date>`now()` })
        .where('id', '=', command.id)
        .where('finished_at', 'is', null)
        .execute(),
    )
    this.#byId.delete(command.id)
    command.worker.session?.send({ type: 'forget', command: command.id })
    if (result.reason === 'lost')
      command.fail(new InfrastructureFailure(result.message ?? 'the agent lost the command'))
    else command.succeed(result)
  }

  // Should the agent come back with it, the command is no longer known here and is ended before anything else runs there.
  #endUnheard(command: Command): void {
    const message = 'the agent was not connected'
    this.#finish(command, { exitCode: null, signal: null, reason: 'cancelled', message }).catch(
      (error: unknown) => {
        this.#lose(command, `its end could not be stored: ${messageOf(error)}`)
      },
    )
  }

  #lose(command: Command, reason: string): void {
    if (!this.#byId.delete(command.id)) return
    this.#o.log.warn({ worker: command.worker.name, command: command.id }, `command lost: ${reason}`)
    command.fail(new InfrastructureFailure(`the command was lost: ${reason}`))
  }
}

// jsonb refuses \u0000, and what an agent found may hold one.
function clean(result: CommandResult): CommandResult {
  const text = JSON.stringify(result, (_, v: unknown) =>
    typeof v === 'string' ? v.replaceAll('\0', '�') : v,
  )
  return JSON.parse(text) as CommandResult
}
