import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { messageOf, RouseError } from '../../model/errors.ts'
import { version } from '../../model/version.ts'
import type { AgentLink, AgentLinkEvents } from '../../protocol/link.ts'
import type { Facts, FromMaster, Run, Welcome } from '../../protocol/messages.ts'
import { protocolVersion } from '../../protocol/version.ts'
import type { Log } from '../log.ts'
import { lockBaseDir } from './base-dir-lock.ts'
import { Command } from './command.ts'
import { machineFacts } from './facts.ts'
import { Leftovers } from './leftovers.ts'
import { PipePool } from './pipe-pool.ts'
import type { Host } from './operation-context.ts'
import { Session } from './session.ts'
import { ownFolder } from './workspace-path.ts'

export interface SupervisorOptions {
  /** Workspaces are below it. Made when missing; one agent at a time may use it. */
  readonly baseDir: string
  readonly log: Log
  /** What it tells of its machine. Default: what it finds out. */
  readonly facts?: Facts
  /** What commands get the allow-listed part of. Default process.env. */
  readonly env?: NodeJS.ProcessEnv
}

/**
 * Runs the commands of a master and keeps their output and results until the master has committed them. Connections come
 * and go; at any time at most one is attached.
 */
export class Supervisor {
  /** New with every supervisor: a command of another run is lost. */
  readonly runId: string = randomUUID()
  /** Resolves when a drain has come to its end. */
  readonly drained: Promise<void>
  readonly #baseDir: string
  readonly #log: Log
  readonly #facts: Facts | undefined
  readonly #host: Host
  readonly #unlock: () => void
  readonly #commands = new Map<string, Command>()
  /** Everything that runs, also what is forgotten already. */
  readonly #running = new Set<Command>()
  #session: Session | undefined
  #window = defaultWindow
  #drain: { cancel: boolean } | undefined
  #drainEnded!: () => void
  #closed: Promise<void> | undefined

  /**
   * Kills what an agent left behind that was killed on this base dir. Throws ROUSE_AGENT_BASE_DIR_IN_USE while another
   * agent uses it, ROUSE_AGENT_BASE_DIR when it cannot be used.
   */
  constructor({ baseDir, log, facts, env = process.env }: SupervisorOptions) {
    this.#baseDir = resolve(baseDir)
    this.#log = log
    this.#facts = facts
    this.drained = new Promise((done) => (this.#drainEnded = done))
    const own = join(this.#baseDir, ownFolder)
    let unlock: (() => void) | undefined
    try {
      mkdirSync(own, { recursive: true })
      unlock = lockBaseDir(this.#baseDir, join(own, 'lock'))
      this.#host = openHost(own, { env, log })
      this.#unlock = unlock
    } catch (error) {
      unlock?.()
      if (error instanceof RouseError) throw error
      throw new RouseError('ROUSE_AGENT_BASE_DIR', `${this.#baseDir}: ${messageOf(error)}`, { cause: error })
    }
  }

  /** Takes a new connection, sends its hello, and lets go of the one before. */
  attach(link: AgentLink): AgentLinkEvents {
    this.#detach(this.#session, 'replaced by a new connection')
    const session = new Session(link)
    this.#session = session
    link.send({
      type: 'hello',
      protocol: protocolVersion,
      version,
      runId: this.runId,
      facts: this.#facts ?? machineFacts(this.#baseDir),
      commands: [...this.#commands.values()].map(({ id, output, result }) => ({
        id,
        logs: [{ log: 0, bytes: output.end }],
        result,
      })),
    })
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
        this.#session = undefined
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
    for (const command of this.#running) command.kill()
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
        return this.#commands.get(message.command)?.cancel(message.reason)
      case 'ack':
        return message.log === 0 ? session.ack(message.command, message.offset) : undefined
      case 'want':
        return this.#commands.get(message.command)?.transfer?.want(message)
      case 'forget':
        this.#forget(message.command)
        return this.#checkDrained()
      case 'drained':
        if (this.#drain) this.#drainEnded()
    }
  }

  #welcome(session: Session, message: Welcome): void {
    if (session.welcomed) return session.link.close('a second welcome')
    if (message.protocol !== protocolVersion) {
      const older = message.protocol < protocolVersion ? 'master' : 'agent'
      return session.link.close(
        `the master speaks protocol ${message.protocol}, this agent ${protocolVersion}: upgrade the ${older}`,
      )
    }
    this.#window = Math.min(Math.max(message.window, 1), maxWindow)
    session.welcome(this.#window)
    const offsets = new Map(
      message.resume.map(({ command, logs }) => [command, logs.find((l) => l.log === 0)?.bytes ?? 0]),
    )
    for (const command of [...this.#commands.values()]) {
      command.output.window = this.#window
      const offset = offsets.get(command.id)
      if (offset === undefined) this.#forget(command.id)
      else if (offset >= command.output.start && offset <= command.output.end) session.ship(command, offset)
      else return session.link.close(`command ${command.id} has no output from byte ${offset} on`)
    }
    if (this.#drain) session.link.send({ type: 'drain', ...this.#drain })
  }

  #run(session: Session, message: Run): void {
    if (this.#closed || this.#commands.has(message.command)) return
    if (this.#commands.size >= maxCommands) return session.link.close(`more than ${maxCommands} commands`)
    const command = new Command(message, { baseDir: this.#baseDir, host: this.#host, window: this.#window })
    this.#commands.set(command.id, command)
    this.#running.add(command)
    this.#log.debug(`command ${command.id}: ${message.operation.op} in ${message.workspace}`)
    session.ship(command, 0)
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
    if (!command || command.result) return
    this.#log.info(`killing command ${id}: the master does not want it any more`)
    command.kill()
  }

  #checkDrained(): void {
    if (!this.#drain || this.#session?.welcomed) return
    if (this.#drain.cancel) for (const command of this.#running) command.kill()
    const held = this.#drain.cancel ? this.#running.size : this.#commands.size + this.#running.size
    if (held === 0) this.#drainEnded()
  }

  #detach(session: Session | undefined, reason: string): void {
    if (!session) return
    session.end()
    this.#session = undefined
    session.link.close(reason)
  }

  async #close(): Promise<void> {
    this.#detach(this.#session, 'the agent has stopped')
    for (const command of this.#running) {
      command.output.discard()
      command.cancel('the agent has stopped')
    }
    const patience = setTimeout(() => this.kill(), patienceMs)
    await Promise.all([...this.#running].map((command) => command.finished))
    clearTimeout(patience)
    this.#host.leftovers.killAll()
    await this.#host.pipes.close()
    this.#unlock()
  }
}

function openHost(own: string, { env, log }: { env: NodeJS.ProcessEnv; log: Log }): Host {
  const scratchDir = join(own, 'scratch')
  rmSync(scratchDir, { recursive: true, force: true })
  mkdirSync(scratchDir)
  const leftovers = new Leftovers(join(own, 'commands'), log)
  leftovers.killAll()
  return { env, scratchDir, leftovers, pipes: new PipePool(join(own, 'pipes'), log) }
}

/** Raw bytes of unacknowledged output per command, until the first master says otherwise. */
const defaultWindow = 4_194_304
/** A master cannot make an agent keep more than this. */
const maxWindow = 67_108_864
/** As many as a hello can list. */
const maxCommands = 10_000
const patienceMs = 2000
