import Type from 'typebox'
import { costsByDay } from '../../db/costs.ts'
import { utcDays } from '../../model/cost.ts'
import { RouseError } from '../../model/errors.ts'
import { answers } from '../answers.ts'
import { CostSchema, InstanceSchema, InstanceStateSchema, ReapSchema } from '../instance-api.ts'
import type { App } from '../app.ts'
import { InstanceId, InstanceIdParams } from '../ids.ts'
import { pageOfCounted, pageQuery, PageSchema, rowLimit } from '../paging.ts'
import { findInstance, listInstances } from '../queries/instances.ts'
import type { WebServices } from '../services.ts'

const ListQuery = Type.Object(
  {
    limit: pageQuery.limit,
    cursor: Type.Optional(InstanceId),
    worker: Type.Optional(Type.String({ maxLength: 1024 })),
    state: Type.Optional(InstanceStateSchema),
    all: Type.Optional(Type.Enum(['true', 'false'], { description: 'Also those that are gone.' })),
  },
  { additionalProperties: false },
)

const CostQuery = Type.Object(
  {
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: 366, description: 'Default 7, with today.' })),
    worker: Type.Optional(Type.String({ maxLength: 1024 })),
    ...pageQuery,
  },
  { additionalProperties: false },
)

const ReapBodySchema = Type.Object(
  {
    /** Only say what would be ended. */
    dryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

export function instanceRoutes(app: App, { db, latent }: WebServices): void {
  app.get(
    '/instances',
    {
      schema: {
        summary: 'Of latent workers: those that are not gone, newest first',
        querystring: ListQuery,
        response: answers(PageSchema(InstanceSchema)),
      },
    },
    async ({ query: { all, limit = 100, ...filter } }) => {
      const rows = await listInstances(db, { ...filter, all: all === 'true' }, rowLimit({ limit }))
      const items = rows.slice(0, limit)
      return { items, next: rows.length > limit ? items.at(-1)!.id : null }
    },
  )

  app.get(
    '/instances/:id',
    { schema: { params: InstanceIdParams, response: answers(InstanceSchema) } },
    async ({ params: { id } }) => {
      const found = await findInstance(db, id)
      if (!found) throw new RouseError('ROUSE_INSTANCE_UNKNOWN', `there is no instance ${id}`)
      return found
    },
  )

  app.get(
    '/costs',
    {
      schema: {
        summary: 'What the instances of latent workers have cost, by day (UTC) and worker, newest first',
        querystring: CostQuery,
        response: answers(PageSchema(CostSchema)),
      },
    },
    async ({ query: { days = 7, worker, ...wanted } }) => {
      const now = Date.now()
      const costs = await costsByDay(db, {
        days: utcDays(now, days),
        now: new Date(now),
        ...(worker === undefined ? {} : { workers: [worker] }),
        limit: rowLimit(wanted),
        offset: wanted.cursor ?? 0,
      })
      const rows = costs.map((cost) => ({ ...cost, day: cost.day.toISOString().slice(0, 10) }))
      return pageOfCounted(rows, wanted)
    },
  )

  app.post(
    '/instances/reap',
    {
      schema: {
        summary: 'Ends at once what carries our stamp at the providers and no row knows',
        body: ReapBodySchema,
        response: answers(ReapSchema),
      },
    },
    async ({ body: { dryRun = false } }) => ({ dryRun, ...(await latent.reap({ dryRun })) }),
  )
}
