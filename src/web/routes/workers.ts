import Type from 'typebox'
import { RouseError } from '../../model/errors.ts'
import { closest } from '../../util/closest.ts'
import { answers } from '../answers.ts'
import { WorkerSchema } from '../api.ts'
import type { App } from '../app.ts'
import { NameParams } from '../ids.ts'
import { pageOfAll, pageQuery, PageSchema } from '../paging.ts'
import { describeWorkers } from '../queries/workers.ts'
import type { WebServices } from '../services.ts'

export function workerRoutes(app: App, { db, fleet, workers }: WebServices): void {
  const query = Type.Object(pageQuery, { additionalProperties: false })
  app.get(
    '/workers',
    { schema: { querystring: query, response: answers(PageSchema(WorkerSchema)) } },
    async (request) => {
      const { items, next } = pageOfAll(workers(), request.query)
      return { items: await describeWorkers(db, fleet, items), next }
    },
  )

  app.get(
    '/workers/:name',
    { schema: { params: NameParams, response: answers(WorkerSchema) } },
    async (request) => {
      const [worker] = await describeWorkers(db, fleet, [find(request.params.name)])
      return worker!
    },
  )

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
