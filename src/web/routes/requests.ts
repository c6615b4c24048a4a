import Type from 'typebox'
import { RouseError } from '../../model/errors.ts'
import { results } from '../../model/results.ts'
import { answers } from '../answers.ts'
import { CancelBodySchema, RequestSchema } from '../api.ts'
import type { App } from '../app.ts'
import { requestId, RequestIdParams } from '../ids.ts'
import { page, pageQuery, PageSchema, rowLimit } from '../paging.ts'
import { findRequest, listRequests } from '../queries/requests.ts'
import type { WebServices } from '../services.ts'
import { checkStorable } from '../storable.ts'

const ListQuery = Type.Object(
  {
    ...pageQuery,
    builder: Type.Optional(Type.String()),
    state: Type.Optional(Type.Enum(['pending', 'claimed', 'complete'])),
    result: Type.Optional(Type.Enum(results)),
  },
  { additionalProperties: false },
)

export function requestRoutes(app: App, { db, queue }: WebServices): void {
  app.get(
    '/requests',
    { schema: { querystring: ListQuery, response: answers(PageSchema(RequestSchema)) } },
    async ({ query }) => page(await listRequests(db, queue, query, rowLimit(query)), query),
  )

  app.get(
    '/requests/:id',
    { schema: { params: RequestIdParams, response: answers(RequestSchema) } },
    (request) => find(request.params.id),
  )

  app.post(
    '/requests/:id/cancel',
    {
      schema: {
        summary: 'Ends the request, and its build if it has one; a request that is complete stays as it is',
        params: RequestIdParams,
        body: CancelBodySchema,
        response: answers(RequestSchema),
      },
    },
    async (request) => {
      checkStorable(request.body)
      const { id } = await find(request.params.id)
      await queue.cancelRequest(id, { reason: request.body.reason ?? 'cancelled by a user' })
      return find(String(id))
    },
  )

  async function find(text: string) {
    const found = await findRequest(db, queue, requestId(text))
    if (!found) throw new RouseError('ROUSE_REQUEST_UNKNOWN', `there is no request ${text}`)
    return found
  }
}
