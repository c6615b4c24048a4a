import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { OnEnd } from './master-process.ts'

/** A TCP way to a port of this machine that can be cut; ends with `onEnd`. */
export interface TcpProxy {
  readonly url: string
  readonly port: number
  /** How often a connection was cut. */
  readonly cuts: number
  /** Breaks every connection, and refuses new ones until `mend`. */
  cut(): void
  mend(): void
  /** Lets nothing through on the connections that there are, until the returned function is called. */
  stall(): () => void
  /**
   * Breaks the connection once when the server sends this text: before it passes, or right after. New connections are let in.
   */
  cutAt(text: string, when: 'before' | 'after'): void
}

export async function startTcpProxy(port: number, onEnd: OnEnd, host = '127.0.0.1'): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const pairs = new Set<{ client: Socket; upstream: Socket }>()
  let broken = false
  let cuts = 0
  let trap: { text: string; when: 'before' | 'after' } | undefined
  const server = createServer((client) => {
    if (broken) return client.resetAndDestroy()
    const upstream = connect(port, host)
    const pair = { client, upstream }
    pairs.add(pair)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        sockets.delete(socket)
        pairs.delete(pair)
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream)
    upstream.on('data', (data) => {
      const sprung = trap !== undefined && data.includes(trap.text)
      if (!sprung) return void client.write(data)
      cuts++
      const { when } = trap!
      trap = undefined
      if (when === 'before') client.resetAndDestroy()
      else client.end(data)
    })
    upstream.on('end', () => client.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const breakAll = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  onEnd(async () => {
    breakAll()
    server.close()
    await once(server, 'close')
  })
  const { port: ownPort } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${ownPort}`,
    port: ownPort,
    get cuts() {
      return cuts
    },
    cut: () => {
      broken = true
      if (sockets.size > 0) cuts++
      breakAll()
    },
    mend: () => (broken = false),
    stall: () => {
      const stalled = [...pairs]
      for (const { client, upstream } of stalled) {
        client.unpipe(upstream)
        client.pause()
        upstream.pause()
      }
      return () => {
        for (const { client, upstream } of stalled) {
          client.pipe(upstream)
          upstream.resume()
        }
      }
    },
    cutAt: (text, when) => (trap = { text, when }),
  }
}
