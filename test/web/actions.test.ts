import { expect, test } from 'vitest'
import { ask, postJson } from './ask.ts'
import { seedBuild, seedRequest } from './seed.ts'
import { useTestWeb } from './start-test-web.ts'

const web = useTestWeb()
const url = (path: string) => `${web().url}/api/v1${path}`

test('a builder is forced with everything that was given', async () => {
  const body = {
    branch: 'main',
    revision: null,
    properties: { target: 'all', n: 3, deep: [{ a: true }] },
    priority: 5,
    reason: 'try',
  }
  const { status, json } = await postJson(url('/builders/unit/force'), body, { 'idempotency-key': 'key 1' })
  expect({ status, json }).toEqual({ status: 201, json: { buildsetId: 1, requestIds: [1] } })
  expect(web().forced).toEqual([{ builder: 'unit', ...body, idempotencyKey: 'key 1' }])
})

test.each([undefined, '', '{}', 'null'])('a builder is forced without options: body %j', async (body) => {
  const { status } = await ask(url('/builders/unit/force'), {
    method: 'POST',
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body }),
  })
  expect(status).toBe(201)
  expect(web().forced).toEqual([{ builder: 'unit' }])
})

test('a builder whose name needs escaping is forced', async () => {
  expect((await postJson(url(`/builders/${encodeURIComponent('über/all')}/force`), {})).status).toBe(201)
  expect(web().forced).toEqual([{ builder: 'über/all' }])
})

test('an Idempotency-Key that is no key is refused', async () => {
  for (const key of ['', 'x'.repeat(201)]) {
    const { status } = await postJson(url('/builders/unit/force'), {}, { 'idempotency-key': key })
    expect(status, key).toBe(400)
  }
  expect(web().forced).toEqual([])
})

test('an unknown builder is not forced', async () => {
  expect((await postJson(url('/builders/nobody/force'), {})).status).toBe(404)
  expect(web().forced).toEqual([])
})

test('a build is cancelled with the reason given, and shown', async () => {
  const { build } = await seedBuild(web().database.db, { result: null })
  const { status, json } = await postJson(url(`/builds/${build}/cancel`), { reason: 'wrong branch' })
  expect(status).toBe(200)
  expect(json.id).toBe(build)
  expect(web().cancelled).toEqual([`build ${build}: wrong branch`])
})

test('a request is cancelled by either form of its id', async () => {
  const id = await seedRequest(web().database.db)
  expect((await postJson(url(`/requests/r${id}/cancel`), {})).json.id).toBe(id)
  expect((await ask(url(`/requests/${id}/cancel`), { method: 'POST' })).json.id).toBe(id)
  expect(web().cancelled).toEqual([
    `request ${id}: cancelled by a user`,
    `request ${id}: cancelled by a user`,
  ])
})

test('a build is rebuilt', async () => {
  const { build } = await seedBuild(web().database.db)
  const { status, json } = await postJson(url(`/builds/${build}/rebuild`), {})
  expect({ status, json }).toEqual({ status: 201, json: { buildsetId: build, requestIds: [build + 100] } })
})

test.each(['/builds/999/cancel', '/builds/999/rebuild', '/requests/r999/cancel'])(
  '%s is answered 404',
  async (path) => {
    expect((await postJson(url(path), {})).status).toBe(404)
    expect(web().cancelled).toEqual([])
  },
)
