import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { socketPort, type DatabaseSocket } from '../../src/db/database-address.ts'

export interface DatabaseProxy {
  readonly url: string
  /** Connections keep open, but nothing passes any more, as when a cable is cut. */
  goSilent(): void
}

/** A TCP way to a test's database that can misbehave. The first `startingUp` connections are told to come later. */
export async function startDatabaseProxy(
  address: DatabaseSocket,
  { startingUp = 0 }: { startingUp?: number } = {},
): Promise<DatabaseProxy> {
  const sockets = new Set<Socket>()
  let refuse = startingUp
  const server = createServer((client) => {
    sockets.add(client)
    client.on('error', () => {})
    if (refuse-- > 0) {
      client.once('data', () => client.end(errorResponse('57P03', 'the database system is starting up')))
      return
    }
    const upstream = connect(`${address.host}/.s.PGSQL.${socketPort}`)
    sockets.add(upstream)
    upstream.on('error', () => {})
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
  const { port } = server.address() as AddressInfo
  return {
    url: `postgres://${address.user}:not-to-be-shown@127.0.0.1:${port}/${address.database}`,
    goSilent: () => {
      for (const socket of sockets) socket.unpipe().pause()
    },
  }
}

/** PostgreSQL's message 'E': fields of a letter and a text, each ended by a zero. */
function errorResponse(code: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
}
