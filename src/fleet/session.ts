import type { FileFrame } from '../protocol/file-frame.ts'
import type { MasterLink } from '../protocol/link.ts'
import type { FromMaster, Hello } from '../protocol/messages.ts'

/** Raw bytes per command on the way without an ack. */
export const outputWindow = 4 * 1024 * 1024

/** Milliseconds: less than an agent waits for the answer to its login. */
const pingDeadline = 5000

export interface SessionOptions<W> {
  readonly id: string
  readonly worker: W
  readonly hello: Hello
  readonly link: MasterLink
  readonly address: string
  readonly credentialHash: Buffer | undefined
  readonly generation: number | undefined
  readonly now: number
}

/** One live connection of one agent, from its hello on. `W` is the worker it serves. */
export class Session<W> {
  readonly id: string
  readonly worker: W
  readonly runId: string
  readonly version: string
  readonly address: string
  readonly connectedAt: Date
  /** SHA-256 of the credential that its agent has made itself, stored with the session; only an instance's has one. */
  readonly credentialHash: Buffer | undefined
  /** Of the instance that it came from. */
  readonly generation: number | undefined
  /** False until its welcome is sent: nothing else may come before that. */
  welcomed = false
  /** Resolves when its row is stored, or could not be. */
  stored: Promise<unknown> = Promise.resolve()
  /** The agent asked for no more builds. */
  draining = false
  /** Commands of earlier builds that the agent still runs and was told to end: no new build before they are gone. */
  readonly dying = new Set<string>()
  /** Milliseconds since the epoch when the agent was last heard of, and when it was last sent a keepalive. */
  lastSeen: number
  /** Heartbeats sent since then. */
  unanswered = 0
  lastKeepalive: number
  readonly #link: MasterLink
  #answer: Promise<boolean> | undefined

  constructor(o: SessionOptions<W>) {
    this.id = o.id
    this.worker = o.worker
    this.runId = o.hello.runId
    this.version = o.hello.version
    this.address = o.address
    this.credentialHash = o.credentialHash
    this.generation = o.generation
    this.connectedAt = new Date(o.now)
    this.lastSeen = o.now
    this.lastKeepalive = o.now
    this.#link = o.link
  }

  send(message: FromMaster): void {
    this.#link.send(message)
  }

  /** Asks the agent for a sign of life; those who ask meanwhile share the answer. */
  answers(): Promise<boolean> {
    this.#answer ??= this.#link.ping(pingDeadline).finally(() => (this.#answer = undefined))
    return this.#answer
  }

  sendFile(frame: FileFrame): void {
    this.#link.sendFile(frame)
  }

  close(reason: string): void {
    this.#link.close(reason)
  }
}
