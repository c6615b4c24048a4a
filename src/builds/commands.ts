import type { Logger } from 'pino'
import type { GroupCommit } from '../db/group-commit.ts'
import { outputWindow } from '../fleet/session.ts'
import type { Worker, WorkerSession } from '../fleet/worker.ts'
import { messageOf } from '../model/errors.ts'
import type { FileFrame } from '../protocol/file-frame.ts'
import type { Done, FromMaster, Hello, Want, Welcome } from '../protocol/messages.ts'
import type { OutputFrame } from '../protocol/output-frame.ts'
import type { CommandResult } from '../protocol/operation.ts'
import type { Clock } from '../util/clock.ts'
import { InfrastructureFailure, type Command } from './command.ts'
import { Detached } from './detached.ts'
import { ExpectedCommands } from './expected-commands.ts'
import type { LogLane } from './log-lane.ts'
import { storeCommandEnd } from './store-command-end.ts'

interface CommandsOptions {
  readonly commit: Pick<GroupCommit, 'write'>
  /** Of this master. */
  readonly epoch: number
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
  readonly #expected = new ExpectedCommands()
  #detached = false

  constructor(options: CommandsOptions) {
    this.#o = options
  }

  /** Gives a stored command to its worker's agent, or keeps it for the moment the agent is back. */
  start(command: Command): void {
    // Stored just when this master let go: taken as cancelled here, it would be so for the next one.
    if (this.#detached) return command.fail(new Detached('the master was stopped'))
    this.#byId.set(command.id, command)
    command.transfer?.bind({
      command: command.id,
      send: (message) => tell(command, message),
      sendFile: (frame) => reachable(command)?.sendFile(frame),
      cancel: (reason) => this.cancel(command, reason),
    })
    const { session } = command.worker
    if (!this.#expected.arrived(command.id)) this.#lose(command, 'its agent was told to end it')
    else if (session && session.runId !== command.runId) this.#loseToRestart(command)
    else {
      // Only what is sent needs its secrets: an agent that is away may have the command already.
      const run = reachable(command) ? this.#runMessage(command) : []
      for (const message of [...run, ...(command.transfer?.next() ?? [])]) tell(command, message)
    }
  }

  /** Stores the end of one that is not started after all. */
  async abandon(command: Command, message: string): Promise<void> {
    await storeCommandEnd(command, { exitCode: null, signal: null, reason: 'lost', message }, this.#o)
  }

  cancel(command: Command, reason: string): void {
    if (!this.#byId.has(command.id)) return
    command.cancelReason ??= reason.slice(0, 256)
    if (command.worker.session) tell(command, cancellation(command))
    else this.#endUnheard(command)
  }

  /** Lets go of every command without telling its agent: the next master takes it up. */
  detachAll(): void {
    this.#detached = true
    const commands = [...this.#byId.values()]
    this.#byId.clear()
    for (const command of commands) command.fail(new Detached('the master was stopped'))
  }

  /** The worker's connection is gone: what was being cancelled is taken as cancelled, the rest waits for its return. */
  disconnected(worker: Worker): void {
    for (const command of this.#of(worker)) if (command.cancelReason !== undefined) this.#endUnheard(command)
  }

  /** Gives up on commands whose agent stayed away for longer than `maxDisconnected`, until aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, maxDisconnected } = this.#o
    const interval = Math.max(0.1, Math.min(5, maxDisconnected / 5)) * 1000
    while (!signal.aborted) {
      await clock.sleep(interval, signal).catch(() => {})
      for (const command of this.#byId.values()) {
        const { disconnectedAt, session } = command.worker
        if (session || !disconnectedAt || command.reported) continue
        if (clock.now() - disconnectedAt.getTime() < maxDisconnected * 1000) continue
        this.#lose(command, `its agent has been away for more than ${maxDisconnected} s`)
      }
    }
  }

  /** The worker's machine is gone. */
  loseAll(worker: Worker, reason: string): void {
    for (const command of this.#of(worker)) this.#lose(command, reason)
  }

  /** Commands of builds that were just taken up; each is started soon. */
  expect(ids: readonly string[]): void {
    this.#expected.add(ids)
  }

  /** Their build has ended. */
  expectNoMore(ids: readonly string[]): void {
    this.#expected.remove(ids)
  }

  /** Those of the agent's commands that no build here has or expects. */
  unknown(hello: Hello): string[] {
    return hello.commands.map((c) => c.id).filter((id) => !this.#byId.has(id) && !this.#expected.has(id))
  }

  /**
   * Resolves when what `resume` needs is there: builds that were just taken up have asked for their commands again, and the
   * output taken so far of the worker's commands is committed, so that its agent may let go of it.
   */
  async ready(worker: Worker, hello: Hello): Promise<void> {
    await this.#expected.arrival(
      hello.commands.map((c) => c.id),
      this.#o.clock,
    )
    await Promise.all(
      this.#of(worker).map((command) => Promise.all([command.stored, command.transfer?.settled])),
    )
  }

  /** What a connecting agent goes on with, once `ready` has resolved, and what it is told right after its welcome. */
  resume(session: WorkerSession, hello: Hello): { resume: Welcome['resume']; next: FromMaster[] } {
    const held = new Map(hello.commands.map((c) => [c.id, c]))
    const resume: Welcome['resume'] = []
    const next: FromMaster[] = []
    for (const command of this.#of(session.worker)) {
      if (held.delete(command.id)) {
        command.runId = hello.runId
        resume.push({ command: command.id, logs: lengthsOf(command) })
      } else if (command.runId !== hello.runId) {
        if (!command.reported) this.#loseToRestart(command)
        continue
      } else {
        // The connection broke before the agent got it; running it is idempotent by id.
        next.push(...this.#runMessage(command))
      }
      next.push(...(command.transfer?.next() ?? []))
      if (command.cancelReason !== undefined) next.push(cancellation(command))
    }
    for (const { id, logs, result } of held.values()) {
      this.#expected.giveUp(id)
      if (result) continue
      session.dying.add(id)
      resume.push({ command: id, logs })
      next.push({ type: 'cancel', command: id, reason: 'its build has ended' })
    }
    return { resume, next }
  }

  output(session: WorkerSession, frame: OutputFrame): void {
    const command = this.#byId.get(frame.command)
    const end = frame.offset + frame.rawLength
    if (!command || command.worker !== session.worker) {
      // Output of a command that has ended here: nobody wants it, the agent may let go of it.
      return session.send({ type: 'ack', command: frame.command, log: frame.log, offset: end })
    }
    const log = command.logs[frame.log]
    if (!log) return session.close('output of a log that the command does not have')
    if (frame.offset > log.received) return session.close('output with a gap')
    if (frame.offset < log.received) return
    if (command.underWay + frame.rawLength > outputWindow)
      return session.close('more output than the window allows')
    log.received = end
    log.stored = this.#o.lane.append(log.log, frame).then(
      () => {
        log.committed = end
        tell(command, { type: 'ack', command: command.id, log: frame.log, offset: end })
      },
      (error: unknown) => this.#notStored(command, 'output', error),
    )
  }

  file(session: WorkerSession, frame: FileFrame): void {
    const command = this.#byId.get(frame.command)
    // The rest of a file that nobody wants any more.
    if (command?.worker !== session.worker) return
    try {
      if (!command.transfer) throw new Error('a file of a command that sends none')
      command.transfer.frame(frame)
    } catch (error) {
      session.close(messageOf(error))
    }
  }

  want(session: WorkerSession, { bytes, command: id, offset }: Want): void {
    const command = this.#byId.get(id)
    if (command?.worker === session.worker) command.transfer?.want(offset, bytes)
  }

  done(session: WorkerSession, message: Done): void {
    const command = this.#byId.get(message.command)
    if (!command || command.worker !== session.worker) {
      session.send({ type: 'forget', command: message.command })
      if (session.dying.delete(message.command) && session.dying.size === 0) this.#o.freed(session)
      return
    }
    if (message.logs.some(({ bytes, log }) => bytes > (command.logs[log]?.received ?? 0)))
      return session.close('done before all of its output')
    if (command.reported) return
    command.reported = true
    this.#finish(command, message.result).catch((error: unknown) => this.#notStored(command, 'result', error))
  }

  /** Nothing when a secret of it is gone: that ends the command here, which its agent never had. */
  #runMessage(command: Command): FromMaster[] {
    try {
      return [command.message]
    } catch (error) {
      this.#byId.delete(command.id)
      command.fail(error as Error)
      return []
    }
  }

  #of(worker: Worker): Command[] {
    return [...this.#byId.values()].filter((command) => command.worker === worker)
  }

  // Its output is committed first.
  async #finish(command: Command, result: CommandResult): Promise<void> {
    await command.stored
    if (!this.#byId.has(command.id)) return
    await storeCommandEnd(command, result, this.#o)
    if (!this.#byId.delete(command.id)) return
    this.#letGo(command)
    if (result.reason === 'lost')
      command.fail(new InfrastructureFailure(result.message ?? 'the agent lost the command'))
    else command.succeed(result)
  }

  #endUnheard(command: Command): void {
    if (command.reported) return
    const message = 'the agent was not connected'
    this.#finish(command, { exitCode: null, signal: null, reason: 'cancelled', message }).catch(
      (error: unknown) => this.#notStored(command, 'end', error),
    )
  }

  #notStored(command: Command, what: string, error: unknown): void {
    if (!(error instanceof Detached))
      return this.#lose(command, `its ${what} could not be stored: ${messageOf(error)}`)
    this.#byId.delete(command.id)
    command.fail(error)
  }

  // The agent of a local worker is restarted with this master, and as often as somebody likes.
  #loseToRestart(command: Command): void {
    if (command.worker.spec.kind === 'local')
      this.#lose(command, 'the master was restarted', { counts: false })
    else this.#lose(command, 'its agent was restarted')
  }

  #lose(command: Command, reason: string, counting?: { counts: boolean }): void {
    if (!this.#byId.delete(command.id)) return
    this.#o.log.warn({ worker: command.worker.name, command: command.id }, `command lost: ${reason}`)
    this.#letGo(command)
    command.fail(new InfrastructureFailure(`the command was lost: ${reason}`, counting))
  }

  // An agent that may still run it must have ended it before anything else begins there. One that is away is told at its hello.
  #letGo(command: Command): void {
    const { session } = command.worker
    if (command.reported) return tell(command, { type: 'forget', command: command.id })
    if (!session?.welcomed || session.runId !== command.runId) return
    session.dying.add(command.id)
    session.send({ type: 'cancel', command: command.id, reason: 'its build has ended' })
  }
}

function lengthsOf({ logs }: Command): Done['logs'] {
  return logs.map(({ received }, log) => ({ log, bytes: received }))
}

// Nothing may come before a welcome, and an agent that has no welcome yet is told with it.
function tell(command: Command, message: FromMaster): void {
  reachable(command)?.send(message)
}

function reachable({ runId, worker: { session } }: Command): WorkerSession | undefined {
  return session?.welcomed && session.runId === runId ? session : undefined
}

function cancellation({ cancelReason, id }: Command): FromMaster {
  return { type: 'cancel', command: id, reason: cancelReason ?? '' }
}
