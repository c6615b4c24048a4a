import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { beforeEach, expect, test } from 'vitest'
import { BuildSchema, WorkerSchema } from '../../src/web/api.ts'
import { InstanceSchema, ReapSchema } from '../../src/web/instance-api.ts'
import { ask, postJson } from './ask.ts'
import { seedBuild, seedInstance, seedRequest } from './seed.ts'
import { useTestWeb } from './start-test-web.ts'

const web = useTestWeb(
  {},
  {
    workers: () => [
      { name: 'bot', kind: 'static', maxBuilds: 2, properties: {} },
      { name: 'dock', kind: 'latent', maxBuilds: 1, properties: {}, max: 4 },
    ],
  },
)
const get = async (path: string) => {
  const { status, json } = await ask(`${web().url}/api/v1${path}`)
  if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(json)}`)
  return json
}
const names = ({ items }: { items: { name: string }[] }) => items.map(({ name }) => name)

beforeEach(async () => {
  const { db } = web().database
  await db.deleteFrom('builds').execute()
  await db.deleteFrom('instances').execute()
})

test('instances that are not gone are listed newest first, each as the schema says', async () => {
  const { db } = web().database
  await seedInstance(db, { number: 1, created_at: at(0) })
  await seedInstance(db, { number: 2, state: 'gone', created_at: at(1), changed_at: at(61) })
  await seedInstance(db, { number: 3, state: 'starting', created_at: at(2), worker: 'other' })
  const list = await get('/instances')
  expect(names(list)).toEqual(['other/3', 'dock/1'])
  expect(list.next).toBeNull()
  for (const item of list.items) expectToMatch(InstanceSchema, item)
  expect(names(await get('/instances?all=true'))).toEqual(['other/3', 'dock/2', 'dock/1'])
  expect(names(await get('/instances?state=gone'))).toEqual(['dock/2'])
  expect(names(await get('/instances?worker=dock'))).toEqual(['dock/1'])
})

test('pages of instances follow each other without a gap, also when several were made at one time', async () => {
  const { db } = web().database
  for (let number = 1; number <= 5; number++)
    await seedInstance(db, { number, created_at: at(Math.floor(number / 3)) })
  const seen: string[] = []
  for (let next: string | null = ''; next !== null;) {
    const page: any = await get(`/instances?limit=2${next && `&cursor=${next}`}`)
    seen.push(...names(page))
    next = page.next
  }
  expect(seen).toHaveLength(5)
  expect(new Set(seen).size).toBe(5)
})

test('an instance says what it does, until when it is kept, and what it has cost', async () => {
  const { db } = web().database
  const id = await seedInstance(db, {
    state: 'gone',
    number: 2,
    created_at: at(0),
    changed_at: at(1800),
    stop_reason: 'it was idle for 600 s',
    price_per_hour: 0.5,
  })
  expect(await get(`/instances/${id}`)).toMatchObject({
    id,
    name: 'dock/2',
    worker: 'dock',
    state: 'gone',
    why: 'it was idle for 600 s',
    ref: 'c0ffee',
    backend: 'docker here',
    createdAt: at(0).toISOString(),
    age: 1800,
    idleUntil: null,
    attempt: 1,
    pricePerHour: 0.5,
    cost: 0.25,
  })
  const idle = await seedInstance(db, { deadline: new Date('2030-01-01T00:00:00Z') })
  expect(await get(`/instances/${idle}`)).toMatchObject({ idleUntil: '2030-01-01T00:00:00.000Z', cost: null })
})

test('an instance that there is not is an error with a code', async () => {
  const { json, status } = await ask(`${web().url}/api/v1/instances/rouse-no-such`)
  expect([status, json.code]).toEqual([404, 'ROUSE_INSTANCE_UNKNOWN'])
  expect((await ask(`${web().url}/api/v1/instances/%00`)).status).toBe(400)
})

test('a latent worker shows its instances and says in one sentence what they do', async () => {
  const { db } = web().database
  const busy = await seedInstance(db, { number: 1, state: 'busy' })
  await seedInstance(db, { number: 2, state: 'requested' })
  const { build } = await seedBuild(db, { worker: 'dock', result: null, instance: busy })
  const worker = await get('/workers/dock')
  expectToMatch(WorkerSchema, worker)
  expect(worker.status).toBe('2 of 4 instances: 1 busy, 1 starting')
  expect(worker.instances).toMatchObject([
    { name: 'dock/1', why: `runs build ${build}`, runningBuilds: [build] },
    { name: 'dock/2', state: 'requested' },
  ])
  expect((await get('/workers/bot')).instances).toEqual([])
})

test('a build says on which instance it ran and what its time there has cost', async () => {
  const { db } = web().database
  const instance = await seedInstance(db, { number: 3, price_per_hour: 6 })
  const { build } = await seedBuild(db, { worker: 'dock', instance })
  const answer = await get(`/builds/${build}`)
  expectToMatch(BuildSchema, answer)
  expect(answer).toMatchObject({ worker: 'dock', instance: 'dock/3', cost: 0.1 })
  const { build: other } = await seedBuild(db)
  expect(await get(`/builds/${other}`)).toMatchObject({ worker: 'bot', instance: null, cost: null })
})

test('a request whose instances never started says why', async () => {
  const { db } = web().database
  const id = await seedRequest(db, { state: 'complete', result: 'EXCEPTION' })
  await db.updateTable('requests').set({ start_failure: 'no such image' }).where('id', '=', id).execute()
  expect(await get(`/requests/${id}`)).toMatchObject({ startFailure: 'no such image', buildIds: [] })
})

test('reap says what it has ended, and with dryRun what it would end', async () => {
  const { json: dry } = await postJson(`${web().url}/api/v1/instances/reap`, { dryRun: true })
  expectToMatch(ReapSchema, dry)
  expect(dry).toMatchObject({ dryRun: true, items: [{ worker: 'dock', ended: false }] })
  const { json } = await postJson(`${web().url}/api/v1/instances/reap`, {})
  expect(json).toMatchObject({
    dryRun: false,
    items: [{ ended: true }],
    troubles: [{ backend: 'docker elsewhere' }],
  })
})

function at(seconds: number): Date {
  return new Date(Date.UTC(2026, 0, 1) + seconds * 1000)
}

function expectToMatch(schema: TSchema, value: unknown): void {
  expect([...Compile(schema).Errors(value)]).toEqual([])
}
