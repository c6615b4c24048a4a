import Type from 'typebox'
import { RouseError } from '../../model/errors.ts'
import { answers } from '../answers.ts'
import type { App } from '../app.ts'
import type { WebServices } from '../services.ts'

const MasterSchema = Type.Object({ title: Type.String(), ready: Type.Boolean() })
const StoppingSchema = Type.Object({ stopping: Type.Literal(true) })

export function masterRoutes(app: App, services: WebServices): void {
  app.get('/master', { schema: { response: answers(MasterSchema) } }, () => ({
    title: services.title,
    ready: services.ready(),
  }))

  app.post(
    '/master/stop',
    {
      schema: {
        summary: 'Stops the master, as SIGTERM does; only from the same machine',
        response: answers(StoppingSchema),
      },
    },
    (request, reply) => {
      if (!isLoopback(request.ip))
        throw new RouseError('ROUSE_ORIGIN_REFUSED', 'only the same machine may stop the master')
      reply.raw.once('close', () => services.stop())
      return { stopping: true as const }
    },
  )
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address)
}
