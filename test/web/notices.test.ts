import { sql } from 'kysely'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { beforeEach, expect, test } from 'vitest'
import { NoticeSchema, TroubleSchema } from '../../src/web/notice-api.ts'
import { ask, postJson } from './ask.ts'
import { seedNotices } from './seed-notices.ts'
import { useTestWeb } from './start-test-web.ts'

const web = useTestWeb()
const get = async (path: string) => (await ask(`${web().url}/api/v1${path}`)).json
const ids = ({ items }: { items: { id: number }[] }) => items.map(({ id }) => id)

beforeEach(async () => {
  await sql`truncate notices, notice_targets, reporters cascade`.execute(web().database.db)
})

test('notices are listed newest first, page by page, and by state and reporter, each as the schema says', async () => {
  const [missing, status, old] = await seedNotices(web().database.db)
  const all = await get('/notices')
  expect(ids(all)).toEqual([old, status, missing])
  for (const notice of all.items) expectToMatch(NoticeSchema, notice)
  expect(ids(await get('/notices?state=waiting'))).toEqual([missing])
  expect(ids(await get('/notices?reporter=github'))).toEqual([old, status])
  const first = await get('/notices?limit=2')
  expect(ids(first)).toEqual([old, status])
  expect(ids(await get(`/notices?limit=2&cursor=${first.next}`))).toEqual([missing])
  expect((await ask(`${web().url}/api/v1/notices?state=lost`)).status).toBe(400)
})

test('one tells what became of it, and what to do', async () => {
  const [missing] = await seedNotices(web().database.db)
  expect(await get(`/notices/${missing}`)).toMatchObject({
    reporter: 'mail',
    event: 'worker.missing',
    state: 'waiting',
    target: 'bob@acme.example',
    attempts: 2,
    error: 'the connection was refused',
    advice: 'Start the relay.',
    nextAttemptAt: expect.any(String),
    endedAt: null,
  })
})

test('one that there is can be tried again', async () => {
  const [missing] = await seedNotices(web().database.db)
  const { json, status } = await postJson(`${web().url}/api/v1/notices/${missing}/retry`, {})
  expect([status, json.id]).toEqual([200, missing])
  expect(web().retriedNotices).toEqual([missing])
  const unknown = await postJson(`${web().url}/api/v1/notices/999999/retry`, {})
  expect([unknown.status, unknown.json.code]).toEqual([404, 'ROUSE_NOTICE_UNKNOWN'])
  expect(web().retriedNotices).toEqual([missing])
})

test('what needs somebody: a provider that is away, a worker that is missing, a reporter that does not get through', async () => {
  const { db } = web().database
  await seedNotices(db)
  await sql`insert into workers (name, kind, missing_since, missing_noticed_at)
    values ('bot-lost', 'static', now() - interval '2 hours', now()) on conflict (name) do nothing`.execute(
    db,
  )
  const { items } = await get('/troubles')
  for (const trouble of items) expectToMatch(TroubleSchema, trouble)
  expect(items).toMatchObject([
    {
      kind: 'backend',
      name: 'docker elsewhere',
      message: 'connection refused',
      since: '1970-01-01T00:00:00.000Z',
    },
    { kind: 'worker', name: 'bot-lost', since: expect.any(String) },
    { kind: 'reporter', name: 'mail to bob@acme.example', advice: 'Start the relay.' },
  ])
})

function expectToMatch(schema: TSchema, value: unknown): void {
  expect([...Compile(schema).Errors(value)]).toEqual([])
}
