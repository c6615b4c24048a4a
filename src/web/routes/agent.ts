import type { FastifyReply, FastifyRequest } from 'fastify'
import { RouseError } from '../../model/errors.ts'
import { serveAgent } from '../agent-socket.ts'
import { versionSkew } from '../agent-version.ts'
import type { App } from '../app.ts'
import { parseBasic } from '../basic-auth.ts'
import { errorBody } from '../error-answers.ts'
import type { WebServices } from '../services.ts'

/** `GET /agent`: who may not connect is told why in an HTTP answer, before the upgrade. */
export function agentRoutes(app: App, services: WebServices): void {
  const loggedIn = new WeakMap<FastifyRequest['raw'], string>()

  app.route({
    method: 'GET',
    url: '/agent',
    schema: { hide: true },
    preValidation: async (request, reply) => {
      refuseBrowsers(request)
      refuseOtherVersions(request, reply)
      const worker = await login(request, reply)
      if (worker === undefined) return reply
      loggedIn.set(request.raw, worker)
    },
    // A request that is no upgrade has been refused above.
    handler: (_request, reply) => reply.code(426).send(),
    wsHandler: (socket, request) => serveAgent(socket, loggedIn.get(request.raw)!, request.ip, services),
  })

  async function login(request: FastifyRequest, reply: FastifyReply): Promise<string | undefined> {
    const given = parseBasic(request.headers.authorization)
    if (!given) {
      services.log.warn({ address: request.ip }, 'agent refused: it gave no name and password')
      refuse(reply, 401, 'ROUSE_AGENT_LOGIN_REFUSED', 'no name and password given')
      return undefined
    }
    const answer = await services.fleet.authenticate({
      ...given,
      address: request.ip,
      runId: runIdOf(request),
    })
    if (answer.ok) return answer.worker
    if (answer.retryAfter !== undefined) reply.header('retry-after', String(answer.retryAfter))
    refuse(reply, answer.status, answer.code, answer.message)
    return undefined
  }

  function refuseOtherVersions(request: FastifyRequest, reply: FastifyReply): void {
    const skew = versionSkew(request)
    if (skew === undefined) return
    const name = parseBasic(request.headers.authorization)?.name
    services.log.warn({ worker: name?.slice(0, 100), address: request.ip }, `agent refused: ${skew}`)
    reply.headers({ connection: 'Upgrade', upgrade: 'websocket' })
    throw new RouseError('ROUSE_AGENT_VERSION', skew)
  }
}

// No agent is a browser, and a web page must not try passwords here.
function refuseBrowsers({ headers: { origin } }: FastifyRequest): void {
  if (origin !== undefined)
    throw new RouseError('ROUSE_ORIGIN_REFUSED', 'only agents connect here, not web pages')
}

function runIdOf({ headers }: FastifyRequest): string | undefined {
  const runId = headers['rouse-run-id']
  return typeof runId === 'string' && /^[\da-f-]{36}$/.test(runId) ? runId : undefined
}

function refuse(reply: FastifyReply, status: number, code: string, message: string): void {
  if (status === 401) reply.header('www-authenticate', 'Basic realm="rouse", charset="UTF-8"')
  void reply.code(status).send(errorBody({ code, message }))
}
