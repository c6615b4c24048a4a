import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { messageOf, RouseError } from '../../model/errors.ts'
import type { AgentLink, AgentLinkEvents } from '../../protocol/link.ts'
import type { Facts, FromMaster, Run, Welcome } from '../../protocol/messages.ts'
import type { Log } from '../log.ts'
import { versionMismatch } from '../version-mismatch.ts'
import { lockBaseDir } from './base-dir-lock.ts'
import { Command } from './command.ts'
import { Deadline } from './deadline.ts'
import type { HeldCommand } from './held-command.ts'
import { helloOf } from './hello-of.ts'
import { openHost } from './open-host.ts'
import type { Host } from './operation-context.ts'
import { groupsEnd } from './process-group.ts'
import type { OutputLog } from './output-log.ts'
import { recoverCommands } from './recovered-command.ts'
import { Session } from './session.ts'
import { inWords } from './shell-header.ts'
import type { Stop } from './stop.ts'
import type { SupervisorOptions } from './supervisor-options.ts'
import { ownFolder } from './workspace-path.ts'

/**
 * Runs the commands of a master and keeps their output and results on disk until the master has committed them. Connections
 * come and go; at any time at most one is attached. One that takes over from a dead supervisor reports what it finds.
 */
export class Supervisor {
  /** New with every supervisor. */
  readonly runId: string = randomUUID()
  /** Resolves when a drain has come to its end. */
  readonly drained: Promise<void>
  readonly #baseDir: string
  readonly #log: Log
  readonly #facts: Facts | undefined
  readonly #host: Host
  readonly #unlock: () => void
  readonly #commands: Map<string, HeldCommand>
  /** Everything that runs, also what is forgotten already. */
  readonly #running = new Set<Command>()
  /** Process groups of a dead supervisor that were killed just now. */
  readonly #dying: readonly number[]
  #maxDisconnected = defaultMaxDisconnected
  #away: Deadline | undefined
  #session: Session | undefined
  #window = defaultWindow
  #drain: { cancel: boolean } | undefined
  #drainEnded!: () => void
  #closed: Promise<void> | undefined

  /**
   * Kills what an agent left behind that was killed on this base dir. Throws ROUSE_AGENT_BASE_DIR_IN_USE while another
   * agent uses it, ROUSE_AGENT_BASE_DIR when it cannot be used.
   */
  constructor({ baseDir, log, facts, env = process.env, maxSpool = defaultMaxSpool }: SupervisorOptions) {
    this.#baseDir = resolve(baseDir)
    this.#log = log
    this.#facts = facts
    this.drained = new Promise((done) => (this.#drainEnded = done))
    const own = join(this.#baseDir, ownFolder)
    let unlock: (() => void) | undefined
    try {
      mkdirSync(own, { recursive: true, mode: 0o700 })
      chmodSync(own, 0o700)
      unlock = lockBaseDir(this.#baseDir, join(own, 'supervisor.lock'))
      const { dying, host } = openHost(own, { env, log, maxSpool })
      this.#host = host
      this.#dying = dying
      this.#commands = new Map(recoverCommands(host, log).map((command) => [command.id, command]))
      this.#unlock = unlock
      this.#startAway()
    } catch (error) {
      unlock?.()
      if (error instanceof RouseError) throw error
      throw new RouseError('ROUSE_AGENT_BASE_DIR', `${this.#baseDir}: ${messageOf(error)}`, { cause: error })
    }
  }

  /** Commands that the master has not forgotten, and what else still runs. */
  get held(): number {
    return new Set([...this.#commands.values(), ...this.#running]).size
  }

  get busy(): boolean {
    return this.#running.size > 0
  }

  set maxSpool(bytes: number) {
    this.#host.usage.limit = bytes
  }

  /** Resolves when nothing that a dead supervisor started runs any more. To be awaited before the first connection. */
  async ready(): Promise<void> {
    const left = await groupsEnd(this.#dying, unkillableMs)
    if (left.length > 0) this.#log.error(`cannot kill what is left of process groups ${left.join(', ')}`)
  }

  /** Takes a new connection, sends its hello, and lets go of the one before. */
  attach(link: AgentLink): AgentLinkEvents {
    this.#detach(this.#session, 'replaced by a new connection')
    const session = new Session(link)
    this.#session = session
    link.send(
      helloOf(this.#commands.values(), { runId: this.runId, baseDir: this.#baseDir, facts: this.#facts }),
    )
    return {
      message: (message) => {
        if (!session.ended) this.#receive(session, message)
      },
      file: (frame) => {
        if (!session.ended && session.welcomed) this.#commands.get(frame.command)?.transfer?.frame(frame)
      },
      closed: () => {
        session.end()
        if (this.#session !== session) return
        this.#letGo()
        this.#checkDrained()
      },
    }
  }

  /**
   * Asks the master for no more builds, or with `cancel` to cancel the running ones; see `drained`. Without a connection it
   * ends as soon as the master has every result; with `cancel` it then kills what runs and gives the results up.
   */
  drain(cancel: boolean): void {
    this.#drain = { cancel: cancel || (this.#drain?.cancel ?? false) }
    if (this.#session?.welcomed) this.#session.link.send({ type: 'drain', ...this.#drain })
    this.#checkDrained()
  }

  /** Kills every process group at once. Synchronous: for a process that ends now. */
  kill(): void {
    this.#detach(this.#session, 'the agent was killed')
    for (const command of this.#running) {
      for (const output of command.logs) output.neverFull()
      command.kill({ reason: 'lost', message: 'the agent was killed' })
    }
  }

  /** Lets go of the master, ends every command (SIGKILL after two seconds) and waits until nothing is left. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  #receive(session: Session, message: FromMaster): void {
    if (message.type === 'welcome') return this.#welcome(session, message)
    if (message.type === 'heartbeat' || message.type === 'keepalive') return
    if (!session.welcomed) return session.link.close('the first message must be a welcome')
    switch (message.type) {
      case 'run':
        return this.#run(session, message)
      case 'cancel':
        return this.#commands.get(message.command)?.cancel({ reason: 'cancelled', message: message.reason })
      case 'ack':
        return session.ack(message.command, message.log, message.offset)
      case 'want':
        return this.#commands.get(message.command)?.transfer?.want(message)
      case 'forget':
        this.#forget(message.command)
        return this.#checkDrained()
      case 'retire':
        return this.held === 0 ? this.drain(false) : undefined
      case 'drained':
        if (this.#drain) this.#drainEnded()
    }
  }

  #welcome(session: Session, message: Welcome): void {
    if (session.welcomed) return session.link.close('a second welcome')
    const mismatch = versionMismatch(message.protocol)
    if (mismatch !== undefined) return session.link.close(mismatch)
    this.#window = Math.min(Math.max(message.window, 1), maxWindow)
    session.welcome(this.#window)
    this.#away?.stop()
    this.#maxDisconnected = message.maxDisconnected ?? defaultMaxDisconnected
    const wanted = new Map(message.resume.map(({ command, logs }) => [command, logs]))
    for (const command of [...this.#commands.values()]) {
      if (wanted.has(command.id)) this.#resume(session, command, wanted.get(command.id)!)
      else this.#forget(command.id)
    }
    if (this.#drain) session.link.send({ type: 'drain', ...this.#drain })
  }

  #resume(session: Session, command: HeldCommand, wanted: readonly { log: number; bytes: number }[]): void {
    const offsets: number[] = []
    for (const { bytes, log } of wanted) offsets[log] = bytes
    for (const [log, output] of command.logs.entries()) {
      const offset = offsets[log] ?? 0
      output.window = this.#window
      if (offset < output.start || offset > output.end) this.#lose(command, output, offset)
    }
    session.ship(command, offsets)
  }

  #run(session: Session, message: Run): void {
    if (this.#closed || this.#commands.has(message.command)) return
    if (this.#outputs().length >= maxLogs) return session.link.close(`more than ${maxLogs} logs of commands`)
    const command = new Command(message, { baseDir: this.#baseDir, host: this.#host })
    for (const output of command.logs) output.window = this.#window
    this.#commands.set(command.id, command)
    this.#running.add(command)
    this.#log.debug(`command ${command.id}: ${message.operation.op} in ${message.workspace}`)
    session.ship(command, [])
    void command.finished.then(() => {
      this.#running.delete(command)
      this.#log.debug(`command ${command.id}: ${JSON.stringify({ ...command.result, data: undefined })}`)
      this.#session?.poke(command.id)
      this.#checkDrained()
    })
  }

  // A master that does not list a command, or forgets it, does not want what still runs of it either.
  #forget(id: string): void {
    const command = this.#commands.get(id)
    this.#session?.forget(id)
    this.#commands.delete(id)
    command?.forget()
    if (!command || command.result) return
    this.#log.info(`killing command ${id}: the master does not want it any more`)
    command.kill(unwanted)
  }

  // The machine lost its power after the master had got the output, or the master has lost some of it.
  #lose(command: HeldCommand, output: OutputLog, offset: number): void {
    this.#log.warn(`command ${command.id} has no output from byte ${offset} on`)
    output.discard(offset)
    if (!command.result)
      command.kill({ reason: 'lost', message: `the agent has no output from byte ${offset} on` })
  }

  #outputs(): OutputLog[] {
    return [...this.#commands.values()].flatMap(({ logs }) => logs)
  }

  #checkDrained(): void {
    if (!this.#drain || this.#session?.welcomed) return
    if (this.#drain.cancel) for (const command of this.#running) command.kill(unwanted)
    const held = this.#drain.cancel ? this.#running.size : this.#commands.size + this.#running.size
    if (held === 0) this.#drainEnded()
  }

  #detach(session: Session | undefined, reason: string): void {
    if (!session) return
    session.end()
    this.#letGo()
    session.link.close(reason)
  }

  // Without a master the disk bounds what commands print, and the time bounds them.
  #letGo(): void {
    this.#session = undefined
    for (const output of this.#outputs()) output.window = Infinity
    this.#startAway()
  }

  #startAway(): void {
    this.#away?.stop()
    if (this.#closed) return
    const seconds = this.#maxDisconnected
    this.#away = new Deadline(seconds * 1000, () => {
      const stop: Stop = { reason: 'disconnected', message: `no master for ${inWords(seconds)}` }
      for (const command of this.#running) command.cancel(stop)
    })
  }

  async #close(): Promise<void> {
    this.#detach(this.#session, 'the agent has stopped')
    this.#away?.stop()
    for (const command of this.#running) {
      for (const output of command.logs) output.neverFull()
      command.cancel({ reason: 'cancelled', message: 'the agent has stopped' })
    }
    const patience = setTimeout(() => this.kill(), patienceMs)
    await Promise.all([...this.#running].map((command) => command.finished))
    clearTimeout(patience)
    for (const output of this.#outputs()) output.close()
    this.#host.leftovers.killAll()
    await this.#host.pipes.close()
    this.#unlock()
  }
}

/** Raw bytes of unacknowledged output per command, until the first master says otherwise. */
const defaultWindow = 4_194_304
/** A master cannot make an agent keep more than this. */
const maxWindow = 67_108_864
/** Of all commands, as many as a hello can list. */
const maxLogs = 5000
const patienceMs = 2000
const unkillableMs = 5000
const defaultMaxSpool = 1_073_741_824
/** Seconds. */
const defaultMaxDisconnected = 3600
const unwanted: Stop = { reason: 'cancelled', message: 'the master does not want it any more' }
