import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { OnEnd } from '../helpers/master-process.ts'

export interface EngineTrap {
  /** Called before a call is passed on, and before its answer is. What it kills hears no more. */
  witness: (operation: string, when: 'before' | 'after') => void
  /** Ids of the instances' containers that were created; not of helpers. */
  readonly created: ReadonlySet<string>
  /** Breaks every connection. */
  cut(): void
}

/** A Unix socket in front of a Docker Engine's, which sees each call. */
export async function startEngineTrap(engine: string, socket: string, onEnd: OnEnd): Promise<EngineTrap> {
  const clients = new Set<Socket>()
  const created = new Set<string>()
  const helpers = new Set<string>()
  const trap = { witness: (() => {}) as EngineTrap['witness'] }

  const handle = async (call: IncomingMessage, reply: ServerResponse) => {
    const operation = operationOf(call, helpers)
    trap.witness(operation, 'before')
    if (call.socket.destroyed) return
    const { headers, method, url: path } = call
    const passed = request({ socketPath: engine, headers, method, path, agent: false })
    if (method === 'PUT') {
      call.pipe(passed)
      // The engine would wait for the rest of it for ever, and hold the container meanwhile.
      call.once('close', () => call.complete || passed.destroy())
    }
    // In one piece, as the client has sent it: the engine may answer and hang up before a second one comes.
    else passed.end(Buffer.concat(await call.toArray()))
    const [answer] = (await once(passed, 'response')) as [IncomingMessage]
    const body = Buffer.concat(await answer.toArray())
    if (operation.endsWith('create') && answer.statusCode === 201) {
      const { Id } = JSON.parse(body.toString()) as { Id: string }
      ;(operation === 'create' ? created : helpers).add(Id)
    }
    trap.witness(operation, 'after')
    if (call.socket.destroyed) return
    // The body is whole now, however it came.
    const { 'transfer-encoding': _, ...told } = answer.headers
    reply.writeHead(answer.statusCode!, { ...told, 'content-length': body.length }).end(body)
  }

  const server = createServer((call, reply) => {
    handle(call, reply).catch(() => call.socket.destroy())
  })
  server.on('connection', (client) => {
    clients.add(client)
    client.on('error', () => {})
    client.once('close', () => clients.delete(client))
  })
  server.listen(socket)
  await once(server, 'listening')
  const cut = () => {
    for (const client of clients) client.destroy()
  }
  onEnd(async () => {
    cut()
    server.close()
    await once(server, 'close')
  })
  return Object.assign(trap, { created, cut })
}

/** 'create', 'put files', 'start', 'remove', 'list', ...; what is not for an instance says so: 'helper start', 'volumes create'. */
function operationOf({ method, url }: IncomingMessage, helpers: ReadonlySet<string>): string {
  const { pathname, searchParams } = new URL(url!, 'http://engine')
  const [kind, ...path] = pathname
    .replace(/^\/v[\d.]+/, '')
    .split('/')
    .slice(1)
  const query = decodeURIComponent(searchParams.toString())
  if (kind === 'containers' && path[0] === 'json')
    return query.includes('rouse.helper') ? 'helper list' : 'list'
  if (path[0] === 'create') {
    if (kind !== 'containers') return `${kind} create`
    return searchParams.has('name') ? 'create' : 'helper create'
  }
  const verb = verbs[`${method} ${path[1] ?? ''}`] ?? `${method} ${path[1] ?? ''}`.toLowerCase().trim()
  if (kind !== 'containers') return `${kind} ${verb}`
  return helpers.has(path[0]!) ? `helper ${verb}` : verb
}

const verbs: Readonly<Record<string, string>> = {
  'GET json': 'inspect',
  'HEAD archive': 'look for file',
  'PUT archive': 'put files',
  'POST start': 'start',
  'POST wait': 'wait',
  'GET logs': 'logs',
  'DELETE ': 'remove',
}
