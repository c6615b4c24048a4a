import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OpenStackRefusal } from './fake-fault.ts'
import type { FakeOpenStack } from './fake-openstack.ts'
import { imageRoutes } from './image-routes.ts'
import { keystoneRoutes } from './keystone-routes.ts'
import { novaRoutes } from './nova-routes.ts'
import { otherRoutes } from './other-routes.ts'

export interface ServedFakeOpenStack {
  /** For `auth_url`. */
  readonly url: string
  /** Breaks every connection. */
  cut(): void
  close(): Promise<void>
}

/** Speaks the protocols of OpenStack on a loopback port. What was begun is done although the caller has hung up. */
export async function serveFakeOpenStack(cloud: FakeOpenStack): Promise<ServedFakeOpenStack> {
  const open = new Set<Promise<void>>()
  const server = createServer((request, response) => {
    const answered = answer(cloud, origin, request, response)
      .catch(() => request.socket.destroy())
      .then(() => void open.delete(answered))
    open.add(answered)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `${origin}/identity`,
    cut: () => server.closeAllConnections(),
    async close() {
      server.close()
      server.closeAllConnections()
      await Promise.all(open)
    },
  }
}

async function answer(
  cloud: FakeOpenStack,
  origin: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort(new Error('the caller has hung up')))
  const { headers, method = 'GET', url = '/' } = request
  const text = Buffer.concat(await request.toArray()).toString()
  const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
  const requestId = `req-${cloud.calls.length}`
  const say = (status: number, told: unknown, more: Readonly<Record<string, string>> = {}) =>
    response
      .writeHead(status, { 'content-type': 'application/json', 'x-openstack-request-id': requestId, ...more })
      .end(told === undefined ? '' : JSON.stringify(told))
  try {
    const asked = { method, url: new URL(url, origin), headers, body, origin }
    const told = await cloud.call(asked, routes, gone.signal)
    say(told.status, told.body, told.headers)
  } catch (error) {
    if (!(error instanceof OpenStackRefusal)) throw error
    const { message, retryAfter, status } = error
    const more = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
    say(status, { [kinds[status] ?? 'computeFault']: { code: status, message } }, more)
  }
}

const routes = [...keystoneRoutes, ...novaRoutes, ...imageRoutes, ...otherRoutes]
const kinds: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'error',
  403: 'forbidden',
  404: 'itemNotFound',
  409: 'conflictingRequest',
  413: 'overLimit',
  429: 'overLimit',
}
