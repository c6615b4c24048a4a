import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A function answers; else status, headers and body. */
export type Scripted =
  | ((request: Received, response: ServerResponse, incoming: IncomingMessage) => void)
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }

export interface FakeService {
  /** Without a trailing slash. */
  readonly url: string
  readonly host: string
  /** What has come, oldest first. */
  readonly received: readonly Received[]
}

/** A service on a socket of its own that answers as it is told, the last answer again and again, until the test has finished. */
export async function fakeService(...answers: readonly [Scripted, ...Scripted[]]): Promise<FakeService> {
  const received: Received[] = []
  const server = createServer((incoming, response) => {
    const parts: Buffer[] = []
    incoming.on('data', (part: Buffer) => parts.push(part))
    incoming.on('end', () => {
      const { headers, method = '', url = '' } = incoming
      const request = { method, path: url, headers, body: Buffer.concat(parts).toString() }
      const answer = answers[Math.min(received.length, answers.length - 1)]!
      received.push(request)
      if (typeof answer === 'function') answer(request, response, incoming)
      else response.writeHead(answer.status, answer.headers).end(answer.body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url: `http://${host}`, host, received }
}
