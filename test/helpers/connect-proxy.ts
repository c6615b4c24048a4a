import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface ConnectProxy {
  /** With the name and password that it wants, if any. */
  readonly url: string
  /** What it was asked to connect to. */
  readonly targets: string[]
}

/** An HTTP proxy that makes tunnels (CONNECT) to this machine, whatever the name; ends with the test. */
export async function startConnectProxy(credentials?: string): Promise<ConnectProxy> {
  const targets: string[] = []
  const sockets = new Set<Socket>()
  const expected = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`
  const server = createServer((_, response) => void response.writeHead(405).end())
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.on('connect', (request, socket: Socket, head) => {
    if (request.headers['proxy-authorization'] !== expected)
      return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    targets.push(request.url!)
    const { port } = new URL(`http://${request.url}`)
    const upstream = connect(Number(port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      socket.pipe(upstream).pipe(socket)
    })
    sockets.add(upstream)
    upstream.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://${credentials ? `${credentials}@` : ''}127.0.0.1:${port}`, targets }
}
