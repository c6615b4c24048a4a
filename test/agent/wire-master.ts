import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { onTestFinished } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'
import { decodeFromAgent, encodeControl } from '../../src/protocol/control.ts'
import type { FromAgent, FromMaster, Hello, Run, Welcome } from '../../src/protocol/messages.ts'
import type { Operation, ShellOperation } from '../../src/protocol/operation.ts'
import { decodeOutputFrame, type OutputFrame } from '../../src/protocol/output-frame.ts'
import { protocolVersion, subprotocol } from '../../src/protocol/version.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { WireCommand } from './wire-command.ts'

export interface WireMasterOptions {
  readonly password?: string
  readonly welcome?: Partial<Welcome>
  /** Whether output is acknowledged as it comes. */
  readonly acks?: boolean
  /** Whether a result is answered with `forget`. */
  readonly forgets?: boolean
  /** PEM of a key and its certificate: serves https instead of http. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Answers an upgrade in its own way; true when it did. */
  readonly refuse?: (request: IncomingMessage, socket: Duplex) => boolean
}

/** The master's end of the wire, by the protocol's codec over a real socket. It commits to nothing but its memory. */
export class WireMaster {
  acks: boolean
  forgets: boolean
  welcome: Partial<Welcome>
  /** Newest last. */
  readonly connections: WireConnection[] = []
  readonly commands = new Map<string, WireCommand>()
  readonly authorizations: (string | undefined)[] = []
  /** What each login proposed to log in with from then on. */
  readonly credentials: unknown[] = []
  readonly #options: WireMasterOptions
  readonly #server: Server
  readonly #sockets: WebSocketServer

  private constructor(options: WireMasterOptions) {
    this.#options = options
    this.acks = options.acks ?? true
    this.forgets = options.forgets ?? true
    this.welcome = options.welcome ?? {}
    this.#server = options.tls ? createSecureServer(options.tls) : createServer()
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: 1_048_576,
      handleProtocols: () => subprotocol,
    })
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
  }

  static async start(options: WireMasterOptions = {}, port = 0): Promise<WireMaster> {
    const master = new WireMaster(options)
    await new Promise<void>((resolve) => master.#server.listen(port, '127.0.0.1', resolve))
    onTestFinished(() => master.stop())
    return master
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `${this.#options.tls ? 'wss' : 'ws'}://127.0.0.1:${this.port}`
  }

  get current(): WireConnection {
    return this.connections.at(-1)!
  }

  /** Waits for the n-th connection's welcome. */
  async connected(n = 1): Promise<WireConnection> {
    return await waitFor(`connection ${n}`, () => this.connections[n - 1]?.hello && this.connections[n - 1])
  }

  /** Sends an operation to the agent. */
  run(operation: Operation, workspace = 'builder/0', more: Partial<Run> = {}): WireCommand {
    const command = new WireCommand(this, randomUUID())
    this.commands.set(command.id, command)
    this.send({ type: 'run', command: command.id, workspace, operation, ...more })
    return command
  }

  shell(
    command: string | string[],
    options: Partial<ShellOperation> = {},
    more: Partial<Run> = {},
  ): WireCommand {
    return this.run(shellOperation(command, options), undefined, more)
  }

  send(message: FromMaster): void {
    this.current.socket.send(encodeControl(message))
  }

  /** As a machine that loses power would: nobody says goodbye. */
  cut(): void {
    for (const { socket } of this.connections) socket.terminate()
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.authorizations.push(request.headers.authorization)
    this.credentials.push(request.headers['rouse-credential'])
    if (this.#options.refuse?.(request, socket)) return
    const expected = `Basic ${Buffer.from(`bot:${this.#options.password ?? 'secret'}`).toString('base64')}`
    if (request.url !== '/agent' || request.headers.authorization !== expected)
      return void socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n')
    this.#sockets.handleUpgrade(request, socket, head, (accepted) => {
      this.connections.push(new WireConnection(this, accepted))
    })
  }
}

export class WireConnection {
  readonly socket: WebSocket
  readonly messages: FromAgent[] = []
  hello: Hello | undefined
  /** What the agent's closing said; undefined while it is open. */
  closed: string | undefined
  readonly #master: WireMaster

  constructor(master: WireMaster, socket: WebSocket) {
    this.#master = master
    this.socket = socket
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.#output(decodeOutputFrame(data))
      else this.#message(decodeFromAgent(data.toString()))
    })
    socket.on('error', () => {})
    socket.on('close', (_, reason) => (this.closed = reason.toString()))
  }

  count(type: FromAgent['type']): number {
    return this.messages.filter((message) => message.type === type).length
  }

  #message(message: FromAgent): void {
    this.messages.push(message)
    if (message.type === 'hello') return this.#hello(message)
    if (message.type !== 'done') return
    const command = this.#master.commands.get(message.command)
    command?.dones.push(message)
    if (this.#master.forgets) this.#send({ type: 'forget', command: message.command })
  }

  #hello(hello: Hello): void {
    this.#send({
      type: 'welcome',
      protocol: protocolVersion,
      version: 'test',
      master: randomUUID(),
      epoch: 1,
      heartbeat: 30,
      window: 4_194_304,
      resume: [...this.#master.commands.values()].map((c) => c.resume()),
      ...this.#master.welcome,
    })
    this.hello = hello
  }

  #output(frame: OutputFrame): void {
    const log = this.#master.commands.get(frame.command)?.log(frame.log)
    log?.add(frame)
    if (log && this.#master.acks) log.ack()
  }

  #send(message: FromMaster): void {
    this.socket.send(encodeControl(message))
  }
}

export function shellOperation(
  command: string | string[],
  options: Partial<ShellOperation> = {},
): ShellOperation {
  return { op: 'shell', command, workdir: '.', env: {}, timeout: 0, maxTime: 0, grace: 5, ...options }
}
