import { once } from 'node:events'
import http from 'node:http'
import { connect } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
  readonly json: any
}

export interface AskOptions {
  readonly method?: string
  readonly headers?: http.OutgoingHttpHeaders
  readonly body?: string | Buffer
}

/** One request with exactly these headers, Host and Origin too, which `fetch` does not let one choose. */
export async function ask(
  url: string,
  { method = 'GET', headers = {}, body }: AskOptions = {},
): Promise<Answer> {
  const request = http.request(url, { method, headers, agent: false })
  request.end(body)
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const bytes = Buffer.concat(await response.toArray())
  const isJson = response.headers['content-type']?.startsWith('application/json')
  return {
    status: response.statusCode!,
    headers: response.headers,
    body: bytes,
    json: isJson && bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined,
  }
}

export function postJson(
  url: string,
  body: unknown,
  headers: http.OutgoingHttpHeaders = {},
): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return ask(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: text })
}

/** Sends bytes as they are and reads until the server ends the connection. */
export async function askRaw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(text)
  return Buffer.concat(await socket.toArray()).toString()
}

/** An upgrade request: the HTTP answer when it is refused, 101 when it is not. */
export async function upgrade(url: string, headers: http.OutgoingHttpHeaders = {}): Promise<Answer> {
  return ask(url, { headers: { ...upgradeHeaders, ...headers } }).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`no answer: ${error.message}`)
  })
}

const upgradeHeaders = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

/** A WebSocket with everything that it received and how it was closed; terminated with the test. */
export class Listener {
  readonly socket: WebSocket
  readonly messages: any[] = []
  closed: { code: number; reason: string } | undefined

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data, isBinary) => this.messages.push(isBinary ? data : JSON.parse(String(data))))
    socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }))
    socket.on('error', () => {})
    onTestFinished(() => socket.terminate())
  }

  static async open(
    url: string,
    protocols: string[] = [],
    headers: Record<string, string> = {},
  ): Promise<Listener> {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols, { headers })
    const listener = new Listener(socket)
    await once(socket, 'open')
    return listener
  }
}
