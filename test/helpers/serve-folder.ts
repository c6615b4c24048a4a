import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'
import { onTestFinished } from 'vitest'

export interface ServeOptions {
  /** Whether to answer a request with 503. */
  readonly refuse?: () => boolean
  /** Is told of each request, which is then left without an answer; `closed` resolves when its connection has ended. */
  readonly hang?: (closed: Promise<unknown>) => void
}

/** Serves the files of a folder over HTTP until the test has finished; its URL. */
export async function serveFolder(dir: string, { refuse, hang }: ServeOptions = {}): Promise<string> {
  const server = createServer((request, response) => {
    if (hang) return hang(once(response, 'close'))
    if (refuse?.()) return response.writeHead(503).end()
    const { pathname } = new URL(request.url!, 'http://localhost')
    readFile(join(dir, normalize(pathname))).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
