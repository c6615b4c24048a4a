import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LoginAnswer } from '../../fleet/login.ts'
import { RouseError } from '../../model/errors.ts'
import { serveAgent } from '../agent-socket.ts'
import { versionSkew } from '../agent-version.ts'
import type { App } from '../app.ts'
import { parseBasic } from '../basic-auth.ts'
import { errorBody } from '../error-answers.ts'
import type { WebServices } from '../services.ts'

type Accepted = Extract<LoginAnswer, { ok: true }>

/** `GET /agent`: who may not connect is told why in an HTTP answer, before the upgrade. */
export function agentRoutes(app: App, services: WebServices): void {
  const loggedIn = new WeakMap<FastifyRequest['raw'], Accepted>()

  app.route({
    method: 'GET',
    url: '/agent',
    schema: { hide: true },
    preValidation: async (request, reply) => {
      refuseBrowsers(request)
      refuseOtherVersions(request, reply)
      const accepted = await login(request, reply)
      if (!accepted) return reply
      loggedIn.set(request.raw, accepted)
    },
    // A request that is no upgrade has been refused above.
    handler: (_request, reply) => reply.code(426).send(),
    wsHandler: (socket, request) =>
      serveAgent(socket, { ...loggedIn.get(request.raw)!, address: addressOf(request) }, services),
  })

  async function login(request: FastifyRequest, reply: FastifyReply): Promise<Accepted | undefined> {
    const given = parseBasic(request.headers.authorization)
    if (!given) {
      services.log.warn({ address: addressOf(request) }, 'agent refused: it gave no name and password')
      refuse(reply, 401, 'ROUSE_AGENT_LOGIN_REFUSED', 'no name and password given')
      return undefined
    }
    const answer = await services.fleet.authenticate({
      ...given,
      address: addressOf(request),
      runId: runIdOf(request),
      credential: credentialOf(request),
    })
    if (answer.ok) return answer
    if (answer.retryAfter !== undefined) reply.header('retry-after', String(answer.retryAfter))
    refuse(reply, answer.status, answer.code, answer.message)
    return undefined
  }

  function refuseOtherVersions(request: FastifyRequest, reply: FastifyReply): void {
    const skew = versionSkew(request)
    if (skew === undefined) return
    const name = parseBasic(request.headers.authorization)?.name
    services.log.warn({ worker: name?.slice(0, 100), address: addressOf(request) }, `agent refused: ${skew}`)
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

// Who comes by a Unix socket has no address.
function addressOf({ ip }: { readonly ip: string | undefined }): string {
  return ip ?? 'a Unix socket'
}

function credentialOf({ headers }: FastifyRequest): string | undefined {
  const credential = headers['rouse-credential']
  return typeof credential === 'string' && /^[\w-]{43}$/.test(credential) ? credential : undefined
}

function refuse(reply: FastifyReply, status: number, code: string, message: string): void {
  if (status === 401) reply.header('www-authenticate', 'Basic realm="rouse", charset="UTF-8"')
  void reply.code(status).send(errorBody({ code, message }))
}
