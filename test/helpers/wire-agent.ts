import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { decodeFromMaster, encodeControl } from '../../src/protocol/control.ts'
import type { FromAgent, FromMaster, Hello, Welcome } from '../../src/protocol/messages.ts'
import { protocolVersion, subprotocol } from '../../src/protocol/version.ts'
import { waitFor } from './wait-for.ts'

export interface WireAgentOptions {
  readonly url: string
  readonly name: string
  readonly password: string
  readonly hello?: Partial<Hello>
}

/** The agent's end of the wire, by the protocol's codec over a real socket: it does nothing by itself but say hello. */
export class WireAgent {
  readonly socket: WebSocket
  readonly runId: string
  readonly messages: FromMaster[] = []
  /** What the master's closing said; undefined while the connection is open. */
  closed: string | undefined

  constructor(socket: WebSocket, runId: string) {
    this.socket = socket
    this.runId = runId
    socket.on('message', (data: Buffer) => this.messages.push(decodeFromMaster(data.toString())))
    socket.on('close', (_, reason) => (this.closed = reason.toString()))
    socket.on('error', () => {})
  }

  count(type: FromMaster['type']): number {
    return this.messages.filter((message) => message.type === type).length
  }

  welcome(): Promise<Welcome> {
    return waitFor('the welcome', () => this.messages.find((m): m is Welcome => m.type === 'welcome'))
  }

  send(message: FromAgent): void {
    this.socket.send(encodeControl(message))
  }
}

/** Connects and says hello; ends with the test. */
export async function connectWireAgent({ hello, name, password, url }: WireAgentOptions): Promise<WireAgent> {
  const authorization = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
  const runId = hello?.runId ?? randomUUID()
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/agent`, subprotocol, {
    headers: { authorization, 'rouse-run-id': runId },
  })
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  const agent = new WireAgent(socket, runId)
  agent.send({
    type: 'hello',
    protocol: protocolVersion,
    version: '0.0.0',
    runId,
    facts: { os: 'linux', arch: 'x64', cpus: 1, memory: 1, hostname: 'wire', node: '24.0.0' },
    commands: [],
    ...hello,
  })
  return agent
}
