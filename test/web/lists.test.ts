import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  BuilderSchema,
  BuildSchema,
  RequestSchema,
  StepSchema,
  LogSchema,
  WorkerSchema,
} from '../../src/web/api.ts'
import { ask } from './ask.ts'
import { seedBuild, seedChunks, seedInstance, seedLog, seedRequest } from './seed.ts'
import { useTestWeb } from './start-test-web.ts'

const web = useTestWeb()
const get = async (path: string) => {
  const { status, json } = await ask(`${web().url}/api/v1${path}`)
  if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(json)}`)
  return json
}
const ids = (list: { items: { id: number }[] }) => list.items.map((item) => item.id)

// Two builders, two workers, builds of all kinds, in one database for the whole file.
const builds: { request: number; build: number }[] = []
const pending: number[] = []
let log: { step: number; log: number }
let seeded = false
beforeAll(() => {
  seeded = false
})
async function seed() {
  if (seeded) return
  seeded = true
  const { db } = web().database
  builds.push(
    await seedBuild(db, { result: 'SUCCESS', properties: { os: 'solaris', list: [1, { a: null }] } }),
  )
  builds.push(await seedBuild(db, { result: 'FAILURE', worker: 'spare' }))
  builds.push(await seedBuild(db, { result: 'SUCCESS', builder: 'über/all' }))
  builds.push(await seedBuild(db, { result: null }))
  pending.push(await seedRequest(db), await seedRequest(db, { builder: 'über/all' }))
  log = await seedLog(db, builds[0]!.build)
  await seedChunks(db, log.log, [{ codec: 'none', parts: [{ stream: 'stdout', text: 'one\ntwo\n' }] }])
}

describe('builds', () => {
  test('are listed newest first, each as the schema says', async () => {
    await seed()
    const { items, next } = await get('/builds')
    expect(items.map((b: { id: number }) => b.id)).toEqual(builds.map((b) => b.build).toReversed())
    expect(next).toBeNull()
    for (const item of items) expectToMatch(BuildSchema, item)
  })

  test('have their properties, source and result; the result is null until it is final', async () => {
    await seed()
    expect(await get(`/builds/${builds[0]!.build}`)).toMatchObject({
      id: builds[0]!.build,
      builder: 'unit',
      worker: 'bot',
      requestId: builds[0]!.request,
      attempt: 1,
      state: 'finished',
      result: 'SUCCESS',
      reason: 'because',
      source: { branch: 'main', revision: null },
      startedAt: '2026-01-01T00:00:00.000Z',
      finishedAt: '2026-01-01T00:01:00.000Z',
      properties: { os: 'solaris', list: [1, { a: null }] },
    })
    expect(await get(`/builds/${builds[3]!.build}`)).toMatchObject({
      state: 'running',
      result: null,
      finishedAt: null,
    })
  })

  test.each([
    ['builder=unit', [3, 1, 0]],
    [`builder=${encodeURIComponent('über/all')}`, [2]],
    ['worker=spare', [1]],
    ['state=running', [3]],
    ['state=finished&result=SUCCESS', [2, 0]],
    ['builder=unit&result=FAILURE', [1]],
    ['builder=nobody', []],
  ])('can be filtered: %s', async (query, expected) => {
    await seed()
    expect(ids(await get(`/builds?${query}`))).toEqual(expected.map((i) => builds[i]!.build))
  })

  test('come page by page, each once, also while new ones arrive', async () => {
    await seed()
    const first = await get('/builds?limit=2')
    expect(ids(first)).toEqual([builds[3]!.build, builds[2]!.build])
    const { db } = web().database
    const late = await seedBuild(db)
    try {
      const second = await get(`/builds?limit=2&cursor=${first.next}`)
      expect(ids(second)).toEqual([builds[1]!.build, builds[0]!.build])
      expect(second.next).toBeNull()
    } finally {
      await db.deleteFrom('builds').where('id', '=', late.build).execute()
      await db.deleteFrom('requests').where('id', '=', late.request).execute()
    }
  })

  test('have steps, which have logs', async () => {
    await seed()
    const steps = await get(`/builds/${builds[0]!.build}/steps`)
    expect(steps).toMatchObject({
      items: [{ id: log.step, number: 1, name: 'step 1', state: 'running' }],
      next: null,
    })
    expectToMatch(StepSchema, steps.items[0])
    const logs = await get(`/steps/${log.step}/logs`)
    expect(logs).toEqual({
      items: [{ id: log.log, stepId: log.step, name: 'stdio', bytes: 8, lines: 2, finished: false }],
      next: null,
    })
    expectToMatch(LogSchema, logs.items[0])
  })

  test('without steps have an empty list of them', async () => {
    await seed()
    expect(await get(`/builds/${builds[1]!.build}/steps`)).toEqual({ items: [], next: null })
  })
})

describe('requests', () => {
  test('are listed newest first, each as the schema says', async () => {
    await seed()
    const list = await get('/requests')
    expect(ids(list)).toEqual([...builds.map((b) => b.request), ...pending].toReversed())
    for (const item of list.items) expectToMatch(RequestSchema, item)
  })

  test('say why they wait and their place, and which builds they have', async () => {
    await seed()
    expect(await get(`/requests/${pending[0]}`)).toMatchObject({
      state: 'pending',
      waitingFor: 'waits for a free worker',
      position: pending[0],
      buildIds: [],
    })
    expect(await get(`/requests/${builds[0]!.request}`)).toMatchObject({
      state: 'complete',
      result: 'SUCCESS',
      waitingFor: null,
      position: null,
      buildIds: [builds[0]!.build],
    })
  })

  test('are known as r12 and as 12', async () => {
    await seed()
    expect(await get(`/requests/r${pending[0]}`)).toEqual(await get(`/requests/${pending[0]}`))
  })

  test('can be filtered by builder, state and result', async () => {
    await seed()
    expect(ids(await get('/requests?state=pending&builder=unit'))).toEqual([pending[0]])
    expect(ids(await get('/requests?result=FAILURE'))).toEqual([builds[1]!.request])
    expect(ids(await get('/requests?state=claimed'))).toEqual([builds[3]!.request])
  })
})

describe('builders and workers', () => {
  test('a builder shows what waits, what runs and what ran last', async () => {
    await seed()
    const { items } = await get('/builders')
    expect(items.map((b: { name: string }) => b.name)).toEqual(['unit', 'über/all'])
    expect(items[0]).toEqual({
      name: 'unit',
      description: 'Unit tests',
      workers: ['bot', 'spare'],
      pendingRequests: 1,
      runningBuilds: [builds[3]!.build],
      lastBuild: { id: builds[3]!.build, result: null, finishedAt: null },
    })
    expect(items[1].lastBuild).toEqual({
      id: builds[2]!.build,
      result: 'SUCCESS',
      finishedAt: '2026-01-01T00:01:00.000Z',
    })
    for (const item of items) expectToMatch(BuilderSchema, item)
  })

  test('a name may hold any character', async () => {
    await seed()
    expect((await get(`/builders/${encodeURIComponent('über/all')}`)).name).toBe('über/all')
  })

  test('a worker shows its live state beside what the config and the database say', async () => {
    await seed()
    const facts = { os: 'linux', arch: 'x64', cpus: 2, memory: 1, hostname: 'bot', node: '24' }
    await web()
      .database.db.updateTable('workers')
      .set({
        facts: JSON.stringify(facts),
        admin_state: 'paused',
        admin_reason: 'disk',
        admin_by: 'ana',
        admin_until: new Date(3_600_000),
        last_seen_at: new Date(0),
      })
      .where('name', '=', 'bot')
      .execute()
    const { items } = await get('/workers')
    for (const item of items) expectToMatch(WorkerSchema, item)
    expect(items[0]).toEqual({
      name: 'bot',
      kind: 'static',
      instances: [],
      connected: true,
      status: 'runs 1 of 2 builds',
      adminState: 'paused',
      adminReason: 'disk',
      adminBy: 'ana',
      adminUntil: '1970-01-01T01:00:00.000Z',
      maxBuilds: 2,
      runningBuilds: [7],
      address: '127.0.0.1',
      version: '0.1.0',
      connectedAt: '1970-01-01T00:00:00.000Z',
      lastSeenAt: '1970-01-01T00:00:00.000Z',
      facts,
      properties: { os: 'solaris' },
    })
    expect(await get('/workers/spare')).toMatchObject({ name: 'spare', kind: 'local', connected: false })
  })

  test('come page by page too', async () => {
    const first = await get('/workers?limit=1')
    expect(first).toMatchObject({ items: [{ name: 'bot' }], next: '1' })
    expect(await get(`/workers?limit=1&cursor=${first.next}`)).toMatchObject({
      items: [{ name: 'spare' }],
      next: null,
    })
  })
})

function expectToMatch(schema: TSchema, value: unknown): void {
  const check = Compile(schema)
  expect(check.Errors(value)).toEqual([])
}

test("a build's artifacts come in pages by name", async () => {
  const { db } = web().database
  const { build } = await seedBuild(db)
  const { step } = await seedLog(db, build)
  const file = { build_id: build, step_id: step, path: 'x', sha256: 'x', type: 'text/plain', size: 1 }
  await db
    .insertInto('artifacts')
    .values(['c', 'a', 'b', 'e', 'd'].map((name) => ({ ...file, name })))
    .execute()
  const seen: string[][] = []
  for (let next: string | null = ''; next !== null;) {
    const list = await get(`/builds/${build}/artifacts?limit=2${next && `&cursor=${next}`}`)
    seen.push(list.items.map(({ name }: any) => name))
    next = list.next
  }
  expect(seen).toEqual([['a', 'b'], ['c', 'd'], ['e']])
  const { status } = await ask(`${web().url}/api/v1/builds/${build}/artifacts?limit=1001`)
  expect(status).toBe(400)
})

test('costs come in pages, newest day first', async () => {
  const { db } = web().database
  const days = (count: number) => new Date(Date.now() - count * 86_400_000)
  const gone = { state: 'gone', price_per_hour: 1 } as const
  for (const worker of ['cheap', 'dear'])
    await seedInstance(db, { ...gone, worker, created_at: days(2), changed_at: days(0) })
  const all = (await get('/costs')).items
  expect(all.length).toBeGreaterThanOrEqual(4)
  const seen: unknown[] = []
  for (let next: string | null = ''; next !== null;) {
    const list = await get(`/costs?limit=3${next && `&cursor=${next}`}`)
    expect(list.items.length).toBeLessThanOrEqual(3)
    seen.push(...list.items)
    next = list.next
  }
  expect(seen).toEqual(all)
})
