import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface SilentProxy {
  readonly url: string
  /** Connections that came so far. */
  readonly count: () => number
  /** Present connections stay open, but nothing passes any more, as when a cable is cut. New ones work. */
  goSilent(): void
}

/** A way to a port of this machine that can swallow everything; ends with the test. */
export async function startSilentProxy(port: number): Promise<SilentProxy> {
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer((client) => {
    count++
    const upstream = connect(port, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    client.pipe(upstream).pipe(client)
    upstream.once('close', () => client.destroy())
    client.once('close', () => upstream.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: () => count,
    goSilent: () => {
      for (const socket of sockets) socket.unpipe().pause()
    },
  }
}
