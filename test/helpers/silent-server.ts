import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

/** Takes connections at a Unix socket and never answers. */
export async function silentServer(path: string): Promise<{ close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => sockets.add(socket.on('error', () => {})))
  server.listen(path)
  await once(server, 'listening')
  return {
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
