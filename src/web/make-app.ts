import helmet from '@fastify/helmet'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { LogController, type FastifyBaseLogger } from 'fastify'
import type { App } from './app.ts'
import { answerBrokenHttp, answerErrors } from './error-answers.ts'
import { jsonBodies } from './json-bodies.ts'
import { validatorCompiler } from './validation.ts'
import { webSockets } from './web-sockets.ts'
import { agentRoutes } from './routes/agent.ts'
import { agentDownloads } from './routes/agent-download.ts'
import { apiRoutes } from './routes/api.ts'
import { metricsRoute } from './routes/metrics.ts'
import { healthRoute, readyRoute } from './routes/health.ts'
import { pageRoutes } from './routes/page.ts'
import { onlyOurSite } from './our-site.ts'
import type { WebServices } from './services.ts'

export interface AppOptions {
  /** Agents may connect here. */
  readonly agents: boolean
  /** Page and API are here. */
  readonly page: PageOptions | undefined
  /** Bytes of a request's body. */
  readonly maxRequestBytes: number
}

export interface PageOptions {
  readonly listenHost: string
  readonly uiDir: string | undefined
  /** Seconds between pings to readers of events. */
  readonly heartbeat: number
  /** Bytes that a reader of events may be behind. */
  readonly maxUnsentBytes: number
}

/** One fastify instance with the routes of one kind of listener; it does not listen yet. */
export async function makeApp(
  services: WebServices,
  { agents, page, maxRequestBytes }: AppOptions,
): Promise<App> {
  const log: FastifyBaseLogger = services.log
  const app: App = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: maxRequestBytes,
    requestTimeout: 60_000,
    return503OnClosing: false,
    routerOptions: { maxParamLength: 1024 },
    clientErrorHandler: answerBrokenHttp,
    frameworkErrors: (error, request, reply) => {
      app.errorHandler(error, request, reply)
    },
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(() => JSON.stringify)
  answerErrors(app)
  jsonBodies(app)
  await webSockets(app)
  if (page) onlyOurSite(app, { url: services.url, listenHost: page.listenHost })
  await app.register(helmet, securityHeaders)
  healthRoute(app, services)
  agentDownloads(app, services, { agents })
  if (agents) agentRoutes(app, services)
  if (page) {
    readyRoute(app, services)
    metricsRoute(app, services)
    await app.register((scope) => apiRoutes(scope as App, services, page), { prefix: '/api/v1' })
    await pageRoutes(app, services, page.uiDir)
  }
  await app.ready()
  return app
}

/** The page has no inline script or style and talks to nobody else. */
const securityHeaders = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  // Whether the whole domain is served by TLS is for the proxy in front of us to know.
  strictTransportSecurity: false,
}
