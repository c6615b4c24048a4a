import Type from 'typebox'
import { answers } from '../answers.ts'
import { ReconfigSchema } from '../api.ts'
import type { App } from '../app.ts'
import type { NameChanges } from '../../config/compare-settings.ts'
import { onlyFromHere } from '../only-from-here.ts'
import type { WebServices } from '../services.ts'

const MasterSchema = Type.Object({
  title: Type.String(),
  ready: Type.Boolean(),
  hasInstances: Type.Boolean(),
  hasImages: Type.Boolean(),
})

/** What the page shows in its header. */
export function masterRoutes(app: App, services: WebServices): void {
  app.get('/master', { schema: { response: answers(MasterSchema) } }, () => ({
    title: services.title,
    ready: services.ready(),
    // Whether the page has anything to show of them.
    hasInstances: services.workers().some(({ kind }) => kind === 'latent'),
    hasImages: services.images.names().length > 0,
  }))

  app.post(
    '/reconfig',
    {
      schema: {
        summary: 'Takes master.config.ts over as it is now; only from the machine of the master',
        body: EmptyBodySchema,
        response: answers(ReconfigSchema),
      },
    },
    async (request) => {
      onlyFromHere(request, services)
      const { builders, needsRestart, reporters, schedulers, workers } = await services.master.reconfig()
      return {
        workers: listed(workers),
        builders: listed(builders),
        schedulers: listed(schedulers),
        reporters: listed(reporters),
        needsRestart: [...needsRestart],
      }
    },
  )

  app.post(
    '/stop',
    {
      schema: {
        summary:
          'Starts no more builds and ends the master when none runs; only from the machine of the master',
        body: StopBodySchema,
        response: answers(StopSchema),
      },
    },
    (request) => {
      onlyFromHere(request, services)
      return { runningBuilds: services.master.windDown({ cancel: request.body.cancel ?? false }) }
    },
  )
}

const StopBodySchema = Type.Object(
  {
    /** Cancel the running builds instead of letting them finish. */
    cancel: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

const StopSchema = Type.Object({ runningBuilds: Type.Array(Type.Integer()) })

const EmptyBodySchema = Type.Object({}, { additionalProperties: false })

function listed({ added, changed, removed }: NameChanges) {
  return { added: [...added], changed: [...changed], removed: [...removed] }
}
