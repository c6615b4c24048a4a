import Type, { type Static } from 'typebox'
import { active } from '../../fleet/admin.ts'
import { RouseError } from '../../model/errors.ts'
import { closest } from '../../util/closest.ts'
import { answers } from '../answers.ts'
import { AdminBodySchema, AdminUntilBodySchema, WorkerSchema } from '../api.ts'
import type { App } from '../app.ts'
import { NameParams } from '../ids.ts'
import { pageOfAll, pageQuery, PageSchema } from '../paging.ts'
import { describeWorkers } from '../queries/workers.ts'
import { readUntil } from '../read-until.ts'
import type { WebServices } from '../services.ts'
import { checkStorable } from '../storable.ts'

export function workerRoutes(app: App, { db, fleet, latent, workers }: WebServices): void {
  const query = Type.Object(pageQuery, { additionalProperties: false })
  app.get(
    '/workers',
    { schema: { querystring: query, response: answers(PageSchema(WorkerSchema)) } },
    async (request) => {
      const { items, next } = pageOfAll(workers(), request.query)
      return { items: await describeWorkers(db, { fleet, latent }, items), next }
    },
  )

  app.get(
    '/workers/:name',
    { schema: { params: NameParams, response: answers(WorkerSchema) } },
    async (request) => {
      const [worker] = await describeWorkers(db, { fleet, latent }, [find(request.params.name)])
      return worker!
    },
  )

  for (const { action, state, summary } of adminActions) {
    const body = state === 'active' ? AdminBodySchema : AdminUntilBodySchema
    app.post(
      `/workers/:name/${action}`,
      { schema: { summary, params: NameParams, body, response: answers(WorkerSchema) } },
      async ({ params: { name }, body }) => {
        const { by, reason, until } = body as Static<typeof AdminUntilBodySchema>
        checkStorable(body)
        const config = find(name)
        await fleet.setAdmin(
          name,
          state === 'active'
            ? active
            : { state, reason: reason || null, by: by || null, until: readUntil(until, Date.now()) },
        )
        const [worker] = await describeWorkers(db, { fleet, latent }, [config])
        return worker!
      },
    )
  }

  function find(name: string) {
    const found = workers().find((worker) => worker.name === name)
    if (found) return found
    const meant = closest(
      name,
      workers().map((worker) => worker.name),
    )
    throw new RouseError(
      'ROUSE_WORKER_UNKNOWN',
      `there is no worker "${name}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
    )
  }
}

const adminActions = [
  { action: 'pause', state: 'paused', summary: 'No new builds; the running ones go on' },
  { action: 'drain', state: 'draining', summary: 'No new builds; says when the running ones have finished' },
  { action: 'resume', state: 'active', summary: 'Takes builds again' },
] as const
