import { sql } from 'kysely'
import pino from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { keepLease } from '../../src/db/keep-lease.ts'
import { markMasterStopped, registerMaster } from '../../src/db/register-master.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { waitFor } from '../helpers/wait-for.ts'

test('the lease is renewed every ten seconds', async () => {
  const { db, clock, lost } = await leased()
  const before = await leaseEnd(db)
  clock.advance(10_000)
  await waitFor('the renewal', async () => (await leaseEnd(db)) > before)
  expect(lost).toEqual([])
})

test('a lease that another master took is lost at the next renewal', async () => {
  const { db, id, clock, lost } = await leased()
  await markMasterStopped(db, id)
  clock.advance(10_000)
  await waitFor('the loss', () => lost.length)
  expect(lost).toEqual(['the database says that this master has stopped'])
})

test('a lease that cannot be renewed is lost before it ends in the database', async () => {
  const { db, clock, lost } = await leased()
  await sql`alter table masters rename to masters_away`.execute(db)
  while (lost.length === 0 && clock.now() < 40_000) {
    await waitFor('the next sleep', () => clock.sleeping === 1 || lost.length > 0)
    clock.advance(1_000)
  }
  expect(lost).toHaveLength(1)
  expect(clock.now()).toBeGreaterThan(20_000)
  expect(clock.now()).toBeLessThan(30_000)
})

test('a database that hangs does not keep a master from losing its lease', async () => {
  const { database, db, clock, lost } = await leased()
  const lock = await database.pool.connect()
  await lock.query('begin; lock table masters')
  try {
    clock.advance(10_000)
    await waitFor('the renewal to hang', async () => {
      const waiting = sql`select 1 from pg_locks where not granted`
      return (await waiting.execute(db)).rows.length
    })
    clock.advance(17_000)
    await waitFor('the loss', () => lost.length)
  } finally {
    await lock.query('rollback')
    lock.release()
  }
  expect(lost).toEqual(['the lease could not be renewed in the database before it ended'])
})

test('after a short absence of the database the lease goes on', async () => {
  const { db, clock, lost } = await leased()
  const before = await leaseEnd(db)
  await sql`alter table masters rename to masters_away`.execute(db)
  clock.advance(10_000)
  await waitFor('a failed renewal', () => clock.sleeping === 1)
  await sql`alter table masters_away rename to masters`.execute(db)
  clock.advance(1_000)
  await waitFor('the renewal', async () => (await leaseEnd(db)) > before)
  expect(lost).toEqual([])
})

test('a machine that slept longer than its lease keeps it when nobody took it', async () => {
  const { db, clock, lost } = await leased()
  const before = await leaseEnd(db)
  clock.advance(3_600_000)
  await waitFor('the renewal', async () => (await leaseEnd(db)) > before)
  expect(lost).toEqual([])
})

async function leased() {
  const database = await createTestDatabase()
  onTestFinished(() => database.close())
  const { db } = database
  const { id } = await registerMaster(db, { host: 'here', pid: 1, version: '1.2.3', only: false })
  const clock = new ManualClock()
  const lost: string[] = []
  const controller = new AbortController()
  const running = keepLease(db, {
    id,
    onLost: (reason) => lost.push(reason),
    log: pino({ level: 'silent' }),
    signal: controller.signal,
    clock,
  })
  onTestFinished(async () => {
    controller.abort()
    await running
  })
  await waitFor('the first sleep', () => clock.sleeping === 1)
  return { database, db, id, clock, lost }
}

async function leaseEnd(db: TestDatabase['db']): Promise<number> {
  const row = await db.selectFrom('masters').select('lease_until').executeTakeFirstOrThrow()
  return row.lease_until.getTime()
}
