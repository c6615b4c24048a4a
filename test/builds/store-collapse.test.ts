import { afterAll, beforeAll, expect, test } from 'vitest'
import { step } from '../../src/steps/step.ts'
import { openTestBuilds } from '../helpers/test-builds.ts'

let t: Awaited<ReturnType<typeof openTestBuilds>>
const builder = (name: string, o: object = {}) => ({
  name,
  workers: [],
  steps: [step('x', async () => {})],
  ...o,
})

beforeAll(async () => {
  const throws = () => {
    throw new Error('boom')
  }
  t = await openTestBuilds([
    builder('unit'),
    builder('docs'),
    builder('off', { collapseRequests: false }),
    builder('all', { collapseRequests: 'all' }),
    builder('throws', { collapseRequests: throws }),
  ])
})
afterAll(() => t.close())

const row = (id: number) =>
  t.db
    .selectFrom('requests')
    .innerJoin('buildsets', 'buildsets.id', 'requests.buildset_id')
    .select(['requests.state', 'requests.result', 'superseded_by', 'priority'])
    .select('buildsets.result as buildset')
    .where('requests.id', '=', id)
    .executeTakeFirstOrThrow()
const waits = { state: 'pending', result: null, superseded_by: null }
const superseded = (by: number) => ({
  state: 'complete',
  result: 'SKIPPED',
  superseded_by: by,
  buildset: 'SKIPPED',
})

test("a scheduler's older request for the same branch ends SKIPPED and points to the newer, which inherits its priority", async () => {
  const first = await t.submit('unit', 'main', { priority: 5 })
  const other = await t.submit('unit', 'next')
  const second = await t.submit('unit', 'main', { priority: 1 })
  expect(await row(first)).toMatchObject(superseded(second))
  expect(await row(other)).toMatchObject(waits)
  expect(await row(second)).toMatchObject({ ...waits, priority: 5 })
  expect(t.builds.waiting(first)).toBeUndefined()
  expect(t.builds.waiting(second)).toMatchObject({ position: 1 })
  const told = { type: 'request.completed', request: first, result: 'SKIPPED', supersededBy: second }
  expect(t.events).toContainEqual(expect.objectContaining(told))
})

test('what people force, rebuild or a build waits for is never collapsed, and collapses nothing', async () => {
  const kinds = [
    { origin: 'force' },
    { origin: 'rebuild' },
    { origin: 'trigger' },
    { origin: 'scheduler', waitedFor: true },
  ] as const
  const scheduled = await t.submit('docs', 'main')
  const kept = []
  for (const kind of kinds) kept.push(await t.submit('docs', 'main', kind))
  expect(await row(scheduled)).toMatchObject(waits)
  const newer = await t.submit('docs', 'main')
  expect(await row(scheduled)).toMatchObject(superseded(newer))
  for (const id of kept) expect(await row(id)).toMatchObject(waits)
})

test('a request that is claimed is never collapsed', async () => {
  const first = await t.submit('docs', 'claimed')
  await t.db.updateTable('requests').set({ state: 'claimed' }).where('id', '=', first).execute()
  await t.submit('docs', 'claimed')
  expect(await row(first)).toMatchObject({ state: 'claimed', superseded_by: null })
})

test("a builder may turn it off or widen it to all branches; a function that throws hurts only its own builder's", async () => {
  const off = await t.submit('off', 'main')
  const all = await t.submit('all', 'main')
  const throwing = await t.submit('throws', 'main')
  await t.submit('off', 'main')
  const next = await t.submit('all', 'next')
  await t.submit('throws', 'main')
  expect(await row(off)).toMatchObject(waits)
  expect(await row(all)).toMatchObject(superseded(next))
  expect(await row(throwing)).toMatchObject(waits)
})

test('a submission whose answer was lost is answered the same again', async () => {
  const older = await t.submit('unit', 'again')
  const once = await t.submit('unit', 'again', { idempotencyKey: 'k' })
  expect(await t.submit('unit', 'again', { idempotencyKey: 'k' })).toBe(once)
  expect(await row(older)).toMatchObject(superseded(once))
  expect(await row(once)).toMatchObject(waits)
})

test('a buildset with another request that waits goes on', async () => {
  const { buildsetId, requests } = await t.builds.submit({
    builders: ['unit', 'docs'],
    source: { repository: 'app', branch: 'two', revision: null },
    properties: [],
    priority: 0,
    reason: 'a change',
    origin: 'scheduler',
  })
  const newer = await t.submit('unit', 'two')
  expect(await row(requests[0]!.id)).toMatchObject({ superseded_by: newer, buildset: null })
  await t.builds.cancelRequest(requests[1]!.id, { reason: 'no need' })
  const buildset = t.db.selectFrom('buildsets').select('result').where('id', '=', buildsetId)
  expect(await buildset.executeTakeFirst()).toEqual({ result: 'CANCELLED' })
})
