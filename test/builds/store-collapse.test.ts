import { expect, test } from 'vitest'
import { step } from '../../src/steps/step.ts'
import { sharedCore } from './test-core.ts'

const builder = (name: string, o: object = {}) => ({
  name,
  workers: [],
  steps: [step('x', async () => {})],
  ...o,
})

const throws = () => {
  throw new Error('boom')
}
const core = sharedCore({
  workers: [],
  builders: [
    builder('unit'),
    builder('docs'),
    builder('off', { collapseRequests: false }),
    builder('all', { collapseRequests: 'all' }),
    builder('throws', { collapseRequests: throws }),
  ],
})

const row = (id: number) =>
  core()
    .db.selectFrom('requests')
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
  const first = await core().submit('unit', 'main', { priority: 5 })
  const other = await core().submit('unit', 'next')
  const second = await core().submit('unit', 'main', { priority: 1 })
  expect(await row(first)).toMatchObject(superseded(second))
  expect(await row(other)).toMatchObject(waits)
  expect(await row(second)).toMatchObject({ ...waits, priority: 5 })
  expect(core().builds.waiting(first)).toBeUndefined()
  expect(core().builds.waiting(second)).toMatchObject({ position: 1 })
  const told = { type: 'request.completed', request: first, result: 'SKIPPED', supersededBy: second }
  expect(core().events).toContainEqual(expect.objectContaining(told))
})

test('what people force, rebuild or a build waits for is never collapsed, and collapses nothing', async () => {
  const kinds = [
    { origin: 'force' },
    { origin: 'rebuild' },
    { origin: 'trigger' },
    { origin: 'scheduler', waitedFor: true },
  ] as const
  const scheduled = await core().submit('docs', 'main')
  const kept = []
  for (const kind of kinds) kept.push(await core().submit('docs', 'main', kind))
  expect(await row(scheduled)).toMatchObject(waits)
  const newer = await core().submit('docs', 'main')
  expect(await row(scheduled)).toMatchObject(superseded(newer))
  for (const id of kept) expect(await row(id)).toMatchObject(waits)
})

test('a request that is claimed is never collapsed', async () => {
  const first = await core().submit('docs', 'claimed')
  await core().db.updateTable('requests').set({ state: 'claimed' }).where('id', '=', first).execute()
  await core().submit('docs', 'claimed')
  expect(await row(first)).toMatchObject({ state: 'claimed', superseded_by: null })
})

test("a builder may turn it off or widen it to all branches; a function that throws hurts only its own builder's", async () => {
  const off = await core().submit('off', 'main')
  const all = await core().submit('all', 'main')
  const throwing = await core().submit('throws', 'main')
  await core().submit('off', 'main')
  const next = await core().submit('all', 'next')
  await core().submit('throws', 'main')
  expect(await row(off)).toMatchObject(waits)
  expect(await row(all)).toMatchObject(superseded(next))
  expect(await row(throwing)).toMatchObject(waits)
})

test('a submission whose answer was lost is answered the same again', async () => {
  const older = await core().submit('unit', 'again')
  const once = await core().submit('unit', 'again', { idempotencyKey: 'k' })
  expect(await core().submit('unit', 'again', { idempotencyKey: 'k' })).toBe(once)
  expect(await row(older)).toMatchObject(superseded(once))
  expect(await row(once)).toMatchObject(waits)
})

test('a buildset with another request that waits goes on', async () => {
  const { buildsetId, requests } = await core().builds.submit({
    builders: ['unit', 'docs'],
    source: { repository: 'app', branch: 'two', revision: null },
    properties: [],
    priority: 0,
    reason: 'a change',
    origin: 'scheduler',
  })
  const newer = await core().submit('unit', 'two')
  expect(await row(requests[0]!.id)).toMatchObject({ superseded_by: newer, buildset: null })
  await core().builds.cancelRequest(requests[1]!.id, { reason: 'no need' })
  const buildset = core().db.selectFrom('buildsets').select('result').where('id', '=', buildsetId)
  expect(await buildset.executeTakeFirst()).toEqual({ result: 'CANCELLED' })
})
