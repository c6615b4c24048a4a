import swagger from '@fastify/swagger'
import type { App } from '../app.ts'
import type { WebServices } from '../services.ts'
import { artifactRoutes } from './artifacts.ts'
import { builderRoutes } from './builders.ts'
import { buildRoutes } from './builds.ts'
import { clusterRoutes } from './cluster.ts'
import { eventRoutes, type EventOptions } from './events.ts'
import { healthRoute, readyRoute } from './health.ts'
import { instanceRoutes } from './instances.ts'
import { logRoutes } from './logs.ts'
import { masterRoutes } from './master.ts'
import { noticeRoutes } from './notices.ts'
import { requestRoutes } from './requests.ts'
import { workerRoutes } from './workers.ts'

/** Everything under /api/v1. */
export async function apiRoutes(app: App, services: WebServices, options: EventOptions): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: `${services.title}: the API of Rouse`, version: '1' },
    },
  })
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  // What is live must not be shown from a cache.
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })
  healthRoute(app, services)
  readyRoute(app, services)
  builderRoutes(app, services)
  requestRoutes(app, services)
  buildRoutes(app, services)
  logRoutes(app, services)
  artifactRoutes(app, services)
  workerRoutes(app, services)
  instanceRoutes(app, services)
  noticeRoutes(app, services)
  eventRoutes(app, services, options)
  masterRoutes(app, services)
  clusterRoutes(app, services)
}
