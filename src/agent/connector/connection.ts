import type { IncomingMessage } from 'node:http'
import { connect as connectSocket } from 'node:net'
import { WebSocket, type ClientOptions, type RawData } from 'ws'
import { messageOf } from '../../model/errors.ts'
import { version } from '../../model/version.ts'
import { decodeFromMaster, encodeControl, maxControlBytes } from '../../protocol/control.ts'
import { decodeFileFrame } from '../../protocol/file-frame.ts'
import type { FromMaster, Welcome } from '../../protocol/messages.ts'
import { subprotocol } from '../../protocol/version.ts'
import type { RawLink, RawLinkEvents } from '../process/remote-supervisor.ts'
import { versionMismatch } from '../version-mismatch.ts'
import { Heartbeat } from './heartbeat.ts'
import type { MasterAddress } from './master-address.ts'
import { throughProxy } from './proxy.ts'
import { readRefusal } from './refusal.ts'
import { webSocketLink } from './web-socket-link.ts'

export interface ConnectionOptions {
  readonly address: MasterAddress
  readonly name: string
  readonly password: string
  /** Of an instance's agent: what it logs in with once the master has stored it. */
  readonly credential?: string | undefined
  /** PEM of certificate authorities, in place of the well-known ones. */
  readonly ca?: string | undefined
  /** The supervisor's run: its connections replace each other. */
  readonly runId?: string | undefined
  /** Hands an open connection to the supervisor. */
  readonly attach: (link: RawLink) => RawLinkEvents
  readonly onWelcome: (welcome: Welcome) => void
  /** Closes the connection. */
  readonly signal: AbortSignal
}

export interface ConnectionEnd {
  readonly reason: string
  /** The master answered, and does not want this agent as it is. */
  readonly refused: boolean
  /** It does not know the agent's name, or not with this password. Undefined when it did not look. */
  readonly unknown: boolean | undefined
  /** Milliseconds between welcome and end; 0 without a welcome. */
  readonly held: number
}

/** Connects to one master and resolves when the connection has ended, or could not be made. Never rejects. */
export function connect(options: ConnectionOptions): Promise<ConnectionEnd> {
  return new Connection(options).ended
}

class Connection {
  readonly ended: Promise<ConnectionEnd>
  readonly #o: ConnectionOptions
  readonly #socket: WebSocket
  readonly #link: RawLink
  readonly #heartbeat: Heartbeat
  #events: RawLinkEvents | undefined
  #reason: string | undefined
  #refused = false
  #unknown: boolean | undefined = false
  #welcomedAt: number | undefined
  #deadline: NodeJS.Timeout | undefined

  constructor(options: ConnectionOptions) {
    const { address, ca, credential, name, password, runId, signal } = options
    this.#o = options
    this.#socket = new WebSocket(address.url, subprotocol, {
      headers: {
        authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
        'user-agent': `rouse-agent/${version}`,
        ...(runId === undefined ? {} : { 'rouse-run-id': runId }),
        ...(credential === undefined ? {} : { 'rouse-credential': credential }),
      },
      handshakeTimeout: handshakeMs,
      perMessageDeflate: false,
      maxPayload: maxMessageBytes,
      ...(ca === undefined ? {} : { ca }),
      ...wayTo(address),
    })
    this.#link = webSocketLink(this.#socket, (reason) => this.#close(1000, reason))
    this.#heartbeat = new Heartbeat({
      send: () => this.#link.sendText(Buffer.from(encodeControl({ type: 'heartbeat' }))),
      onSilent: () => this.#drop('the master has been silent for three heartbeats'),
    })
    this.ended = this.#run(signal)
  }

  async #run(signal: AbortSignal): Promise<ConnectionEnd> {
    const socket = this.#socket
    const onAbort = () => this.#close(1000, 'the agent has stopped')
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    socket.on('open', () => this.#opened())
    socket.on('message', (data, isBinary) => this.#received(data, isBinary))
    socket.on('unexpected-response', (_request, response) => void this.#refuse(response))
    socket.on('error', (error) => (this.#reason ??= whyFailed(error)))
    const reason = await new Promise<string>((resolve) =>
      socket.on('close', (code, text) => resolve(this.#reason ?? whyClosed(code, text.toString()))),
    )
    signal.removeEventListener('abort', onAbort)
    clearTimeout(this.#deadline)
    this.#heartbeat.stop()
    this.#events?.closed(reason)
    const held = this.#welcomedAt === undefined ? 0 : performance.now() - this.#welcomedAt
    return { reason, refused: this.#refused, unknown: this.#unknown, held }
  }

  #opened(): void {
    this.#deadline = setTimeout(() => this.#drop('the master did not answer the hello'), welcomeMs)
    this.#events = this.#o.attach(this.#link)
  }

  #received(data: RawData, isBinary: boolean): void {
    this.#heartbeat.heard()
    try {
      if (isBinary) {
        decodeFileFrame(data as Buffer)
        return this.#events?.binary(data as Buffer)
      }
      const text = (data as Buffer).toString()
      this.#deliver(decodeFromMaster(text), text)
    } catch (error) {
      this.#close(1008, `a message was not understood: ${messageOf(error)}`)
    }
  }

  #deliver(message: FromMaster, text: string): void {
    const mismatch = message.type === 'welcome' ? versionMismatch(message.protocol) : undefined
    if (mismatch !== undefined) return this.#close(1000, mismatch)
    this.#events?.text(text)
    if (message.type !== 'welcome' || this.#welcomedAt !== undefined || this.#reason !== undefined) return
    clearTimeout(this.#deadline)
    this.#welcomedAt = performance.now()
    this.#heartbeat.start(message.heartbeat)
    this.#o.onWelcome(message)
  }

  async #refuse(response: IncomingMessage): Promise<void> {
    const { lasting, reason, status } = await readRefusal(response)
    this.#refused = lasting
    // Too many failures, perhaps of others: a master that says so has not looked who this is.
    this.#unknown = status === 429 ? undefined : status === 401
    this.#drop(reason)
  }

  #close(code: number, reason: string): void {
    this.#reason ??= reason
    this.#socket.close(code, closeReason(reason))
    // A master that is gone does not answer the closing.
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(() => this.#socket.terminate(), goodbyeMs)
  }

  #drop(reason: string): void {
    this.#reason ??= reason
    this.#socket.terminate()
  }
}

function wayTo({ socketPath, url }: MasterAddress): Pick<ClientOptions, 'createConnection'> {
  return socketPath === undefined
    ? throughProxy(url, process.env)
    : { createConnection: () => connectSocket(socketPath) }
}

function whyClosed(code: number, text: string): string {
  if (text) return text
  if (code === 1006) return 'the connection was lost'
  return code === 1000 || code === 1005 ? 'the master closed the connection' : `closed with code ${code}`
}

// Several addresses that fail together have no message of their own.
function whyFailed(error: Error & { code?: string }): string {
  return error.message || error.code || 'the connection failed'
}

// A close frame holds 123 bytes of reason.
function closeReason(reason: string): string {
  let short = reason
  while (Buffer.byteLength(short) > 123) short = short.slice(0, -1)
  return short
}

const handshakeMs = 10_000
const welcomeMs = 30_000
const goodbyeMs = 2000
// Characters are limited by the codec; one takes at most three bytes.
const maxMessageBytes = 3 * maxControlBytes
