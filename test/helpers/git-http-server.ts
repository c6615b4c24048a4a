import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { onTestFinished } from 'vitest'

export interface GitHttpServer {
  readonly url: string
  /** The credentials of each request, in order; undefined where it had none. */
  readonly asked: (string | undefined)[]
}

/** Serves the repositories below a folder as git does over HTTP, to whoever has the credentials 'user:password'. */
export async function serveGit(root: string, credentials: string): Promise<GitHttpServer> {
  const asked: (string | undefined)[] = []
  const server = createServer((request, response) => {
    const { authorization } = request.headers
    const given = authorization && Buffer.from(authorization.replace('Basic ', ''), 'base64').toString()
    asked.push(given)
    if (given !== credentials)
      return response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    answer(root, request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

// The CGI program that git brings along.
async function answer(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, search } = new URL(request.url!, 'http://localhost')
  const { headers, method } = request
  if (pathname.endsWith('/info/lfs/objects/batch')) return answerLfs(request, response)
  if (pathname.startsWith('/lfs/')) return void response.end(await readFile(join(root, pathname)))
  const backend = spawn('git', ['-c', 'safe.directory=*', 'http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: method,
      CONTENT_TYPE: headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  request.pipe(backend.stdin)
  const parts: Buffer[] = []
  for await (const part of backend.stdout as AsyncIterable<Buffer>) parts.push(part)
  const whole = Buffer.concat(parts)
  const end = whole.indexOf('\r\n\r\n')
  const lines = whole.subarray(0, end).toString().split('\r\n')
  for (const [name, value] of lines.map((line) => line.split(': ', 2))) {
    if (name === 'Status') response.statusCode = Number.parseInt(value!, 10)
    else response.setHeader(name!, value!)
  }
  // Long enough for its client to be seen among the processes.
  await delay(100)
  response.end(whole.subarray(end + 4))
}

/** Where files of Git LFS are: below the folder `lfs`, under their ids. */
async function answerLfs(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { objects } = (await json(request)) as { objects: { oid: string; size: number }[] }
  const found = objects.map(({ oid, size }) => {
    const href = `http://${request.headers.host}/lfs/${oid}`
    return { oid, size, actions: { download: { href } } }
  })
  response.setHeader('content-type', 'application/vnd.git-lfs+json')
  response.end(JSON.stringify({ transfer: 'basic', objects: found }))
}
