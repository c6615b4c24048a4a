import { setTimeout as delay } from 'node:timers/promises'
import websocket from '@fastify/websocket'
import type { WebSocket, WebSocketServer } from 'ws'
import { RouseError } from '../model/errors.ts'
import { maxFrameBytes } from '../protocol/output-frame.ts'
import { subprotocol } from '../protocol/version.ts'
import type { App } from './app.ts'

/** Milliseconds that a peer has for the closing handshake when the master stops. */
const closingTime = 2_000

/** WebSockets on the routes that have a `wsHandler`; an upgrade of any other is refused. They close with the app. */
export async function webSockets(app: App): Promise<void> {
  let closing = false
  await app.register(websocket, {
    options: {
      maxPayload: maxFrameBytes,
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
    },
    errorHandler: (error, socket, request) => {
      request.log.warn({ err: error, address: request.ip, url: request.routeOptions.url }, 'WebSocket failed')
      socket.close(1011, 'internal error')
    },
    preClose: (done) => {
      closing = true
      void closeAll(app.websocketServer).then(() => done())
    },
  })
  // A request that was being authenticated when the closing began must not open a socket after it.
  app.websocketServer.on('connection', (socket: WebSocket) => {
    if (closing) socket.terminate()
  })
  app.addHook('onRequest', async (request) => {
    if (closing) throw new RouseError('ROUSE_SHUTTING_DOWN', 'the master is stopping')
    if (request.ws && !webSocketPaths.has(request.routeOptions.url ?? ''))
      throw new RouseError('ROUSE_NOT_FOUND', `no WebSocket at ${request.url.slice(0, 200)}`)
  })
}

const webSocketPaths = new Set(['/agent', '/api/v1/events'])

async function closeAll({ clients }: WebSocketServer): Promise<void> {
  for (const socket of clients) leave(socket)
  const deadline = AbortSignal.timeout(closingTime)
  while (clients.size > 0 && !deadline.aborted) await delay(10)
  for (const socket of clients) socket.terminate()
}

function leave(socket: WebSocket): void {
  socket.close(1001, 'the master is stopping')
}
