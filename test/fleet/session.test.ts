import { afterAll, beforeAll, expect, test } from 'vitest'
import { storeDisconnected } from '../../src/fleet/store-session.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { FarEnd, openFleet, staticSpec } from './open-fleet.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

test('an agent gets a keepalive every keepaliveInterval, beside the heartbeats', async () => {
  const { clock, fleet } = await openFleet(database, [staticSpec({ keepaliveInterval: 100 })])
  const agent = await new FarEnd(fleet).welcomed()
  for (let i = 0; i < 10; i++) await beat(clock, agent)
  const sent = agent.received.map(({ type }) => type).filter((type) => type !== 'welcome')
  // Heartbeats are 30 s apart; a keepalive goes with the first one after each 100 s.
  expect(sent.map((type, i) => (type === 'keepalive' ? i : -1)).filter((i) => i >= 0)).toEqual([4, 9])
  expect(sent.filter((type) => type === 'heartbeat')).toHaveLength(10)
})

test('keepaliveInterval null turns keepalives off and leaves the heartbeats', async () => {
  const { clock, fleet } = await openFleet(database, [staticSpec({ keepaliveInterval: null })])
  const agent = await new FarEnd(fleet).welcomed()
  for (let i = 0; i < 200; i++) await beat(clock, agent)
  expect(new Set(agent.received.map(({ type }) => type))).toEqual(new Set(['welcome', 'heartbeat']))
})

test('an agent that is silent for three heartbeats is dropped, one that says anything is not', async () => {
  const { clock, fleet } = await openFleet(database)
  const agent = await new FarEnd(fleet).welcomed()
  for (let i = 0; i < 3; i++) await beat(clock, undefined)
  agent.master.message({ type: 'heartbeat' })
  for (let i = 0; i < 3; i++) await beat(clock, undefined)
  expect(agent.closed).toBeUndefined()
  await beat(clock, undefined)
  expect(agent.closed).toBe('silent for three heartbeats')
  expect(fleet.get('bot')!.session).toBeUndefined()
})

test('an agent of another version is told who is to be upgraded, with both versions', async () => {
  const { fleet } = await openFleet(database)
  const newer = new FarEnd(fleet, { protocol: 99 })
  await waitFor('the refusal', () => newer.closed)
  expect(newer.closed).toBe('agent 0 speaks protocol 99, this master speaks 1: upgrade the master (0)')
  const older = new FarEnd(fleet, { protocol: 0 })
  await waitFor('the refusal', () => older.closed)
  expect(older.closed).toMatch(/upgrade the agent \(0\)$/)
})

test('a master that has closed its connections lets no agent in any more, not even a local one', async () => {
  const { fleet } = await openFleet(database)
  const agent = await new FarEnd(fleet).welcomed()
  await fleet.close('the lease is lost')
  const again = new FarEnd(fleet, { runId: agent.runId })
  await waitFor('the refusal', () => again.closed)
  expect([agent.closed, again.closed]).toEqual(['the lease is lost', 'the lease is lost'])
  expect(fleet.get('bot')!.session).toBeUndefined()
})

test('a master that has been replaced changes nothing of its successor, and takes no agent from it', async () => {
  const old = await openFleet(database)
  const atOld = await new FarEnd(old.fleet).welcomed()
  const stale = old.fleet.get('bot')!.session!
  const young = await openFleet(database)
  await new FarEnd(young.fleet, { runId: atOld.runId }).welcomed()
  const live = await sessions()
  expect(live).toMatchObject([{ owner: young.master.id, epoch: young.master.epoch }])

  const late = { id: live[0]!.id, lastSeen: stale.lastSeen, worker: stale.worker }
  await old.commit.write((trx) =>
    storeDisconnected(trx, late, 'from the grave', { at: new Date(), ...old.master }),
  )
  const intruder = new FarEnd(old.fleet, { runId: atOld.runId })
  await waitFor('the refusal', () => intruder.closed)
  expect(intruder.received).toEqual([])
  expect(await sessions()).toEqual(live)
  const worker = await database.db.selectFrom('workers').select('disconnected_at').executeTakeFirstOrThrow()
  expect(worker.disconnected_at).toBeNull()
})

async function beat(clock: { advance(ms: number): void; sleeping: number }, agent: FarEnd | undefined) {
  await waitFor('the loops', () => clock.sleeping === 2, { interval: 1 })
  agent?.master.message({ type: 'heartbeat' })
  clock.advance(30_000)
  await waitFor('the loops', () => clock.sleeping === 2, { interval: 1 })
}

function sessions() {
  return database.db
    .selectFrom('sessions')
    .select(['id', 'owner', 'epoch', 'disconnected_at'])
    .where('disconnected_at', 'is', null)
    .execute()
}
