import { rmSync, statSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { messageOf, RouseError } from '../../model/errors.ts'
import { version } from '../../model/version.ts'
import { Supervisor } from '../supervisor/supervisor.ts'
import { ownFolder } from '../supervisor/workspace-path.ts'
import { ConnectorPeer } from './connector-peer.ts'
import { RelayedLog } from './relayed-log.ts'
import { makeSocketFolder, socketPath } from './socket-path.ts'
import type { SuperviseOptions } from './supervise-options.ts'

/**
 * Lets connectors reach a supervisor, one at a time: a new one takes over. Ends when it is told to, when a drain has come to its
 * end, when nobody has needed it for a while, and when its base dir was removed.
 */
export class SupervisorServer {
  readonly ended: Promise<void>
  readonly #supervisor: Supervisor
  readonly #log: RelayedLog
  readonly #server: Server
  readonly #path: string
  readonly #sockets = new Set<Socket>()
  readonly #watch: NodeJS.Timeout
  #peer: ConnectorPeer | undefined
  #idleSince = performance.now()
  #isDrained = false
  #resolveEnded!: () => void
  #ending: Promise<void> | undefined

  private constructor({ baseDir, idle = 60 }: SuperviseOptions, supervisor: Supervisor, log: RelayedLog) {
    this.#supervisor = supervisor
    this.#log = log
    this.#path = socketPath(baseDir)
    this.#server = createServer((socket) => this.#accept(socket))
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve))
    this.#watch = setInterval(() => this.#look(join(baseDir, ownFolder), idle * 1000), watchMs)
    void supervisor.drained.then(() => this.#drained())
  }

  /** Throws what the Supervisor throws, and ROUSE_AGENT_BASE_DIR when nobody could connect. */
  static async start(options: SuperviseOptions): Promise<SupervisorServer> {
    const log = new RelayedLog()
    const supervisor = new Supervisor({ ...options, log })
    const server = new SupervisorServer(options, supervisor, log)
    try {
      await supervisor.ready()
      await server.#listen()
      return server
    } catch (error) {
      await server.#end()
      throw new RouseError('ROUSE_AGENT_BASE_DIR', messageOf(error), { cause: error })
    }
  }

  /** Kills all commands and ends. */
  kill(): void {
    this.#supervisor.kill()
    void this.#end()
  }

  async #listen(): Promise<void> {
    makeSocketFolder(dirname(this.#path))
    // We hold the lock of the base dir, so who made it is dead.
    rmSync(this.#path, { force: true })
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#path, resolve)
    })
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    const peer: ConnectorPeer = new ConnectorPeer(socket, this.#supervisor, {
      greeting: { version, pid: process.pid },
      attached: () => {
        this.#peer?.leave()
        this.#peer = peer
        this.#log.relayTo((entry) => peer.send(entry))
        // It asked for no more builds and has none: who comes now wants a fresh one.
        if (this.#isDrained) void this.#end()
      },
      left: () => {
        if (this.#peer !== peer) return
        this.#peer = undefined
        this.#log.relayTo(undefined)
        this.#idleSince = performance.now()
      },
      close: () => void this.#end(),
      retire: () => void (this.#supervisor.held === 0 && this.#end()),
    })
  }

  #drained(): void {
    this.#isDrained = true
    if (this.#peer) this.#peer.send({ type: 'drained' })
    else void this.#end()
  }

  #look(folder: string, idleMs: number): void {
    if (!isThere(folder)) return this.kill()
    this.#peer?.look()
    if (this.#peer || this.#supervisor.held > 0) this.#idleSince = performance.now()
    else if (performance.now() - this.#idleSince > idleMs) void this.#end()
  }

  #end(): Promise<void> {
    this.#ending ??= this.#endNow()
    return this.#ending
  }

  // The lock is given back before the sockets close, so that who waits for that may start the next supervisor.
  async #endNow(): Promise<void> {
    clearInterval(this.#watch)
    if (this.#server.listening) this.#server.close()
    rmSync(this.#path, { force: true })
    await this.#supervisor.close().catch(() => {})
    for (const socket of this.#sockets) socket.destroySoon()
    this.#resolveEnded()
  }
}

function isThere(folder: string): boolean {
  try {
    return statSync(folder).isDirectory()
  } catch {
    return false
  }
}

const watchMs = 1000
