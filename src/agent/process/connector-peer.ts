import type { Socket } from 'node:net'
import { messageOf } from '../../model/errors.ts'
import { decodeFromMaster, encodeControl } from '../../protocol/control.ts'
import { decodeFileFrame, encodeFileFrame } from '../../protocol/file-frame.ts'
import type { AgentLink, AgentLinkEvents } from '../../protocol/link.ts'
import { encodeOutputFrame } from '../../protocol/output-frame.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { FrameReader, writeFrame, type Frame } from './frames.ts'
import {
  encodeOwn,
  parseOwn,
  socketProtocol,
  type FromConnector,
  type FromSupervisor,
} from './own-messages.ts'

export interface PeerEvents {
  readonly greeting: { readonly version: string; readonly pid: number }
  readonly attached: () => void
  readonly left: () => void
  readonly close: () => void
  readonly retire: () => void
}

/** One connector, as its supervisor sees it. */
export class ConnectorPeer {
  readonly #socket: Socket
  readonly #supervisor: Supervisor
  readonly #events: PeerEvents
  readonly #reader = new FrameReader()
  #master: AgentLinkEvents | undefined
  #asksForIdle = false

  constructor(socket: Socket, supervisor: Supervisor, events: PeerEvents) {
    this.#socket = socket
    this.#supervisor = supervisor
    this.#events = events
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('close', () => this.leave())
    const { pid, version } = events.greeting
    const { held: commands, runId } = supervisor
    this.send({ type: 'supervisor', protocol: socketProtocol, version, pid, runId, commands })
  }

  send(message: FromSupervisor): void {
    writeFrame(this.#socket, 'own', encodeOwn(message))
  }

  /** To be called often: tells the connector that nothing runs, where it asked for that. */
  look(): void {
    if (!this.#asksForIdle || this.#supervisor.busy) return
    this.#asksForIdle = false
    this.send({ type: 'idle' })
  }

  /** Lets go of the connector: the commands go on. */
  leave(): void {
    this.#closed('the connector is gone')
    this.#socket.destroySoon()
    this.#events.left()
  }

  #read(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#receive(frame)
    } catch {
      // Not a connector, or one that is broken.
      this.leave()
    }
  }

  #receive({ kind, payload }: Frame): void {
    if (kind === 'text') return this.#fromMaster(payload.toString())
    if (kind === 'binary') return this.#fileFromMaster(payload)
    const message = parseOwn<FromConnector>(payload)
    switch (message.type) {
      case 'attach':
        if (message.maxSpool !== undefined) this.#supervisor.maxSpool = message.maxSpool
        return this.#events.attached()
      case 'open':
        return this.#open(message.connection)
      case 'closed':
        return this.#closed(message.reason)
      case 'drain':
        return this.#supervisor.drain(message.cancel)
      case 'whenIdle':
        this.#asksForIdle = true
        return this.look()
      case 'close':
        return this.#events.close()
      case 'retire':
        return this.#events.retire()
      case 'detach':
        this.leave()
        return this.#events.retire()
    }
  }

  #fromMaster(text: string): void {
    this.#understand(() => this.#master?.message(decodeFromMaster(text)))
  }

  #fileFromMaster(bytes: Buffer): void {
    this.#understand(() => this.#master?.file(decodeFileFrame(bytes)))
  }

  // What cannot be understood is the connection's end, not the connector's: the master may be of another version.
  #understand(take: () => void): void {
    try {
      take()
    } catch (error) {
      this.#closed(`a message was not understood: ${messageOf(error)}`)
    }
  }

  #open(connection: number): void {
    const socket = this.#socket
    this.send({ type: 'opened', connection })
    const link: AgentLink = {
      send: (message) => writeFrame(socket, 'text', Buffer.from(encodeControl(message))),
      sendOutput: (frame) => writeFrame(socket, 'binary', encodeOutputFrame(frame)),
      sendFile: (frame) => writeFrame(socket, 'binary', encodeFileFrame(frame)),
      get bufferedAmount() {
        return socket.writableLength
      },
      close: (reason) => this.send({ type: 'hangUp', connection, reason }),
    }
    this.#master = this.#supervisor.attach(link)
  }

  #closed(reason: string): void {
    const master = this.#master
    this.#master = undefined
    master?.closed(reason)
  }
}
