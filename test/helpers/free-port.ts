import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * A port of the loopback address on which nothing listens, for what is started later. It is not one of those that systems give to
 * outgoing connections (from 32768 on): another process could have got it by then.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
