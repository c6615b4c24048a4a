import type { App } from '../app.ts'
import type { WebServices } from '../services.ts'

/** For Prometheus, in its text format. */
export function metricsRoute(app: App, { metrics }: WebServices): void {
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    const { text, type } = await metrics()
    return reply.header('cache-control', 'no-store').type(type).serializer(String).send(text)
  })
}
