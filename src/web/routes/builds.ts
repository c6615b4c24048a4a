import Type from 'typebox'
import { RouseError } from '../../model/errors.ts'
import { results } from '../../model/results.ts'
import { answers, created } from '../answers.ts'
import { BuildSchema, CancelBodySchema, ForceAnswerSchema, LogSchema, StepSchema } from '../api.ts'
import type { App } from '../app.ts'
import { IdParams } from '../ids.ts'
import { page, pageQuery, PageSchema, rowLimit } from '../paging.ts'
import { buildExists, findBuild, listBuilds } from '../queries/builds.ts'
import { logsOfStep } from '../queries/logs.ts'
import { stepExists, stepsOfBuild } from '../queries/steps.ts'
import type { WebServices } from '../services.ts'
import { checkStorable } from '../storable.ts'

const ListQuery = Type.Object(
  {
    ...pageQuery,
    builder: Type.Optional(Type.String()),
    worker: Type.Optional(Type.String()),
    state: Type.Optional(Type.Enum(['running', 'finished'])),
    result: Type.Optional(Type.Enum(results)),
  },
  { additionalProperties: false },
)

export function buildRoutes(app: App, { builds, db }: WebServices): void {
  app.get(
    '/builds',
    { schema: { querystring: ListQuery, response: answers(PageSchema(BuildSchema)) } },
    async ({ query }) => page(await listBuilds(db, query, rowLimit(query)), query),
  )

  app.get('/builds/:id', { schema: { params: IdParams, response: answers(BuildSchema) } }, ({ params }) =>
    find(params.id),
  )

  app.get(
    '/builds/:id/steps',
    {
      schema: {
        summary: 'In the order they run',
        params: IdParams,
        response: answers(PageSchema(StepSchema)),
      },
    },
    async ({ params: { id } }) => {
      const items = await stepsOfBuild(db, id)
      if (items.length === 0 && !(await buildExists(db, id))) throw unknown(id)
      return { items, next: null }
    },
  )

  app.get(
    '/steps/:id/logs',
    { schema: { params: IdParams, response: answers(PageSchema(LogSchema)) } },
    async ({ params: { id } }) => {
      const items = await logsOfStep(db, id)
      if (items.length === 0 && !(await stepExists(db, id)))
        throw new RouseError('ROUSE_STEP_UNKNOWN', `there is no step ${id}`)
      return { items, next: null }
    },
  )

  app.post(
    '/builds/:id/cancel',
    {
      schema: {
        summary: 'Cancels the build; one that has finished stays as it is',
        params: IdParams,
        body: CancelBodySchema,
        response: answers(BuildSchema),
      },
    },
    async ({ params: { id }, body }) => {
      checkStorable(body)
      await find(id)
      await builds.cancelBuild(id, { reason: body.reason ?? 'cancelled by a user' })
      return find(id)
    },
  )

  app.post(
    '/builds/:id/rebuild',
    {
      schema: {
        summary: 'Asks for the same again: same builder, source and properties',
        params: IdParams,
        body: CancelBodySchema,
        response: created(ForceAnswerSchema),
      },
    },
    async ({ params: { id }, body }, reply) => {
      checkStorable(body)
      await find(id)
      return reply
        .code(201)
        .send(await builds.rebuild(id, { reason: body.reason ?? `rebuild of build ${id}` }))
    },
  )

  async function find(id: number) {
    const found = await findBuild(db, id)
    if (!found) throw unknown(id)
    return found
  }
}

function unknown(id: number): RouseError {
  return new RouseError('ROUSE_BUILD_UNKNOWN', `there is no build ${id}`)
}
