import Type from 'typebox'
import { RouseError } from '../../model/errors.ts'
import { answers } from '../answers.ts'
import type { App } from '../app.ts'
import { IdParams } from '../ids.ts'
import { NoticeSchema, NoticeStateSchema, TroubleSchema } from '../notice-api.ts'
import { page, pageQuery, PageSchema, pageOfAll, rowLimit } from '../paging.ts'
import { findNotice, listNotices } from '../queries/notices.ts'
import { listTroubles } from '../queries/troubles.ts'
import type { WebServices } from '../services.ts'

const ListQuery = Type.Object(
  {
    ...pageQuery,
    reporter: Type.Optional(Type.String({ maxLength: 1024 })),
    state: Type.Optional(NoticeStateSchema),
  },
  { additionalProperties: false },
)

export function noticeRoutes(app: App, { cluster, db, latent, notices }: WebServices): void {
  app.get(
    '/notices',
    {
      schema: {
        summary: 'What people and other services are told, newest first',
        querystring: ListQuery,
        response: answers(PageSchema(NoticeSchema)),
      },
    },
    async ({ query }) => page(await listNotices(db, query, rowLimit(query)), query),
  )

  app.get(
    '/notices/:id',
    { schema: { params: IdParams, response: answers(NoticeSchema) } },
    async ({ params: { id } }) => await noticeOf(id),
  )

  app.post(
    '/notices/:id/retry',
    {
      schema: {
        summary: 'Has a notice that failed or was dropped tried again, and one that waits tried now',
        params: IdParams,
        body: EmptyBodySchema,
        response: answers(NoticeSchema),
      },
    },
    async ({ params: { id } }) => {
      await noticeOf(id)
      await notices.retry(id)
      return await noticeOf(id)
    },
  )

  app.get(
    '/troubles',
    {
      schema: {
        summary: 'What does not work and should be looked at: missing workers, providers, reporters',
        querystring: Type.Object(pageQuery, { additionalProperties: false }),
        response: answers(PageSchema(TroubleSchema)),
      },
    },
    async ({ query }) => pageOfAll(await listTroubles(db, { cluster, latent }), query),
  )

  async function noticeOf(id: number) {
    const found = await findNotice(db, id)
    if (!found) throw new RouseError('ROUSE_NOTICE_UNKNOWN', `there is no notice ${id}`)
    return found
  }
}

const EmptyBodySchema = Type.Object({}, { additionalProperties: false })
