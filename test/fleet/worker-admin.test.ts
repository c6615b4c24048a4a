import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Admin } from '../../src/fleet/admin.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { openFleet } from './open-fleet.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

const paused: Admin = { state: 'paused', reason: 'disk full', by: 'ana', until: null }

test('a pause says who and why, and is there again after a restart of the master', async () => {
  const first = await openFleet(database)
  await first.admin.set('bot', paused)
  expect(first.fleet.get('bot')!.obstacle).toBe('is paused by ana: disk full')
  expect(first.events).toContainEqual({ type: 'worker.changed', worker: 'bot' })
  await first.close()

  const second = await openFleet(database)
  expect(second.fleet.get('bot')!.obstacle).toBe('is paused by ana: disk full')
})

test('a pause with an end ends by itself in time, and not before', async () => {
  const { admin, clock, events, fleet } = await openFleet(database)
  const worker = fleet.get('bot')!
  const until = new Date(clock.now() + 60_000)
  await admin.set('bot', { ...paused, until })
  await waitFor('the loop to wait for it', () => clock.sleeping === 2)
  expect(worker.obstacle).toBe(`is paused by ana until ${until.toISOString()}: disk full`)
  clock.advance(59_999)
  expect(worker.admin.state).toBe('paused')
  events.length = 0
  clock.advance(1)
  await waitFor('the end of the pause', () => worker.admin.state === 'active')
  expect(events).toEqual([{ type: 'worker.changed', worker: 'bot' }])
  const row = await stored()
  expect(row).toEqual({ admin_state: 'active', admin_reason: null, admin_by: null, admin_until: null })
})

test('a pause whose end came while no master ran has ended when one starts', async () => {
  const first = await openFleet(database)
  await first.admin.set('bot', { ...paused, until: new Date(first.clock.now() + 60_000) })
  await first.close()
  await database.db
    .updateTable('workers')
    .set({ admin_until: new Date(0) })
    .execute()

  const second = await openFleet(database)
  await waitFor('the end of the pause', () => second.fleet.get('bot')!.admin.state === 'active')
  expect((await stored()).admin_state).toBe('active')
})

test('a pause that somebody makes anew is not ended by the time of the old one', async () => {
  const { admin, clock, fleet } = await openFleet(database)
  await admin.set('bot', { ...paused, until: new Date(clock.now() + 60_000) })
  await admin.set('bot', paused)
  // Another master's decision, which this one has not heard of.
  const known = { ...paused, until: new Date(clock.now() + 30_000) }
  fleet.get('bot')!.admin = known
  clock.advance(3_600_000)
  await waitFor('a look at what is stored', () => fleet.get('bot')!.admin !== known)
  expect(fleet.get('bot')!.admin).toEqual(paused)
  expect((await stored()).admin_state).toBe('paused')
})

test('a worker that drains says when it is done', async () => {
  const { admin, fleet } = await openFleet(database)
  const worker = fleet.get('bot')!
  const place = worker.take('unit')
  await admin.set('bot', { state: 'draining', reason: null, by: null, until: null })
  expect(worker.sentence).toBe('is being drained; runs 1 of 1 builds')
  worker.places.delete(place)
  expect(worker.sentence).toBe('is drained')
})

function stored() {
  return database.db
    .selectFrom('workers')
    .select(['admin_state', 'admin_reason', 'admin_by', 'admin_until'])
    .where('name', '=', 'bot')
    .executeTakeFirstOrThrow()
}
