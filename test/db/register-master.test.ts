import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { markMasterStopped, registerMaster } from '../../src/db/register-master.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'

const here = { host: 'here', pid: 4711, version: '1.2.3', only: false }

test('every master gets a higher epoch, and all share one cluster id', async () => {
  const { db } = await newDatabase()
  const masters = [await registerMaster(db, here), await registerMaster(db, here)]
  expect(masters[1]!.epoch).toBeGreaterThan(masters[0]!.epoch)
  expect(masters[1]!.id).not.toBe(masters[0]!.id)
  expect(masters[1]!.cluster).toBe(masters[0]!.cluster)
})

test('masters that register at the same time agree on the cluster id', async () => {
  const { db } = await newDatabase()
  const masters = await Promise.all([1, 2, 3, 4].map(() => registerMaster(db, here)))
  expect(new Set(masters.map(({ cluster }) => cluster)).size).toBe(1)
})

test('the only master of a database marks those that died as stopped', async () => {
  const { db } = await newDatabase()
  const dead = await registerMaster(db, here)
  const other = await registerMaster(db, here)
  expect(await stopped(db)).toEqual({ [dead.id]: false, [other.id]: false })
  const only = await registerMaster(db, { ...here, only: true })
  expect(await stopped(db)).toEqual({ [dead.id]: true, [other.id]: true, [only.id]: false })
})

test("a new master has a lease by the database's clock, until it is marked as stopped", async () => {
  const { db } = await newDatabase()
  const { id } = await registerMaster(db, here)
  expect(await leaseIsValid(db)).toEqual({ [id]: true })
  await markMasterStopped(db, id)
  expect(await leaseIsValid(db)).toEqual({ [id]: false })
  expect(await stopped(db)).toEqual({ [id]: true })
})

async function newDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase()
  onTestFinished(() => database.close())
  return database
}

async function stopped(db: TestDatabase['db']): Promise<Record<string, boolean>> {
  const rows = await db.selectFrom('masters').select(['id', 'stopped_at']).execute()
  return Object.fromEntries(rows.map((row) => [row.id, row.stopped_at !== null]))
}

async function leaseIsValid(db: TestDatabase['db']): Promise<Record<string, boolean>> {
  const valid = sql<boolean>`lease_until > now()`.as('valid')
  const rows = await db.selectFrom('masters').select(['id', valid]).execute()
  return Object.fromEntries(rows.map((row) => [row.id, row.valid]))
}
