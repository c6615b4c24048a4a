import type { Socket } from 'node:net'
import type { Log } from '../log.ts'
import { writeFrame, type Frame, type FrameReader } from './frames.ts'
import {
  encodeOwn,
  parseOwn,
  type FromConnector,
  type FromSupervisor,
  type Greeting,
} from './own-messages.ts'

/** A connection to a master as the supervisor's process sees it: messages as they go over the wire. */
export interface RawLink {
  sendText(text: Buffer): void
  sendBinary(bytes: Buffer): void
  /** Bytes given to it that have not left yet. */
  readonly bufferedAmount: number
  close(reason: string): void
}

export interface RawLinkEvents {
  text(text: Buffer | string): void
  binary(bytes: Buffer): void
  closed(reason: string): void
}

/** The supervisor's process, seen from the connector. */
export class RemoteSupervisor {
  /** Resolves with why it is not there any more. */
  readonly lost: Promise<string>
  /** Resolves when a drain has come to its end. */
  readonly drained: Promise<void>
  readonly pid: number
  readonly runId: string
  readonly #socket: Socket
  readonly #log: Log
  readonly #reader: FrameReader
  #drained!: () => void
  readonly #idle: (() => void)[] = []
  #connection = 0
  /** The one that what comes is for; undefined until the supervisor has taken it. */
  #taken = 0
  #link: RawLink | undefined
  #throttle: NodeJS.Timeout | undefined

  /** Takes the connection over after its greeting. */
  constructor(
    socket: Socket,
    {
      log,
      reader,
      ...o
    }: { greeting: Greeting; log: Log; reader: FrameReader; maxSpool: number | undefined },
  ) {
    this.#socket = socket
    this.#log = log
    this.#reader = reader
    this.pid = o.greeting.pid
    this.runId = o.greeting.runId
    this.drained = new Promise((resolve) => (this.#drained = resolve))
    this.lost = new Promise((resolve) => {
      const onClose = () => {
        clearTimeout(this.#throttle)
        resolve(`the supervisor, process ${this.pid}, has ended`)
      }
      if (socket.destroyed) onClose()
      else socket.once('close', onClose)
    })
    this.#tell({ type: 'attach', maxSpool: o.maxSpool })
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.resume()
  }

  /** Gives it a new connection to a master; it lets go of the one before. */
  attach(link: RawLink): RawLinkEvents {
    const connection = ++this.#connection
    this.#link = link
    this.#tell({ type: 'open', connection })
    return {
      text: (text) => {
        if (this.#connection === connection)
          writeFrame(this.#socket, 'text', typeof text === 'string' ? Buffer.from(text) : text)
      },
      binary: (bytes) => {
        if (this.#connection === connection) writeFrame(this.#socket, 'binary', bytes)
      },
      closed: (reason) => {
        if (this.#connection !== connection) return
        this.#link = undefined
        this.#tell({ type: 'closed', reason })
      },
    }
  }

  /** Asks the master for no more builds, or with `cancel` to cancel the running ones; see `drained`. */
  drain(cancel: boolean): void {
    this.#tell({ type: 'drain', cancel })
  }

  /** Resolves when it runs no command. */
  idle(): Promise<void> {
    this.#tell({ type: 'whenIdle' })
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Has every process group killed at once. Synchronous: for a process that ends now. */
  kill(): void {
    if (this.#socket.destroyed) return
    try {
      process.kill(this.pid, 'SIGTERM')
    } catch {
      // It has ended by itself.
    }
  }

  /** Ends every command (SIGKILL after two seconds) and then the supervisor; waits for that. */
  async close(): Promise<void> {
    this.#tell({ type: 'close' })
    const patience = setTimeout(() => this.#socket.destroy(), closeMs)
    await this.lost
    clearTimeout(patience)
  }

  /** Leaves it: commands go on, and wait for the next connector on this base dir. */
  async detach(): Promise<void> {
    this.#tell({ type: 'detach' })
    this.#socket.end()
    const patience = setTimeout(() => this.#socket.destroy(), closeMs)
    await this.lost
    clearTimeout(patience)
  }

  #tell(message: FromConnector): void {
    writeFrame(this.#socket, 'own', encodeOwn(message))
  }

  #read(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#receive(frame)
    } catch (error) {
      this.#socket.destroy(error as Error)
    }
    this.#breathe()
  }

  #receive({ kind, payload }: Frame): void {
    if (kind === 'own') return this.#receiveOwn(parseOwn<FromSupervisor>(payload))
    // What was on its way for an earlier connection must not get into the next.
    if (this.#taken !== this.#connection) return
    if (kind === 'text') this.#link?.sendText(payload)
    else this.#link?.sendBinary(payload)
  }

  #receiveOwn(message: FromSupervisor): void {
    switch (message.type) {
      case 'opened':
        this.#taken = message.connection
        return
      case 'hangUp':
        if (message.connection === this.#connection) this.#link?.close(message.reason)
        return
      case 'log':
        return this.#log[message.level](message.message)
      case 'idle':
        for (const resolve of this.#idle.splice(0)) resolve()
        return
      case 'drained':
        return this.#drained()
      case 'supervisor':
    }
  }

  // A master that is slow shall slow the supervisor down, not fill our memory.
  #breathe(): void {
    if (this.#throttle || (this.#link?.bufferedAmount ?? 0) <= maxUnsentBytes) return
    this.#socket.pause()
    this.#throttle = setTimeout(() => {
      this.#throttle = undefined
      this.#socket.resume()
      this.#breathe()
    }, throttleMs)
  }
}

const maxUnsentBytes = 4_194_304
const throttleMs = 20
const closeMs = 15_000
