import { sql } from 'kysely'
import pino from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { GroupCommit, type GroupCommitOptions, type Work } from '../../src/db/group-commit.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())
beforeEach(async () => {
  await database.db.deleteFrom('master_state').execute()
})

test('a write has been committed when it resolves, and gives what the work returned', async () => {
  const commits = newGroup()
  expect(await commits.write(put('a'))).toBe('a')
  // Another connection sees it.
  expect(await keys()).toEqual(['a'])
  await commits.close()
})

test('writes that come while a transaction runs go together in the next one, in their order', async () => {
  const commits = newGroup()
  const gate = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const first = commits.write(async (trx) => {
    begun.resolve()
    await gate.promise
    return transactionId(trx)
  })
  await begun.promise
  const order: number[] = []
  const others = [1, 2, 3].map((n) =>
    commits.write(async (trx) => {
      order.push(n)
      return transactionId(trx)
    }),
  )
  gate.resolve()
  const ids = await Promise.all(others)
  expect(new Set(ids).size).toBe(1)
  expect(ids).not.toContain(await first)
  expect(order).toEqual([1, 2, 3])
  await commits.close()
})

test('no more than maxBatch works share a transaction', async () => {
  const commits = newGroup({ maxBatch: 2 })
  const ids = await Promise.all([1, 2, 3, 4, 5].map(() => commits.write(transactionId)))
  expect(ids.map((id) => ids.indexOf(id))).toEqual([0, 0, 2, 2, 4])
  await commits.close()
})

test('a bad work fails alone, whether it throws or its statement does', async () => {
  const commits = newGroup()
  const thrown = new Error('no such build')
  const results = await Promise.allSettled([
    commits.write(put('a')),
    commits.write(() => Promise.reject(thrown)),
    commits.write(put('b')),
    commits.write((trx) => sql`select 1 / 0`.execute(trx)),
    commits.write(put('c')),
  ])
  expect(results.map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'rejected',
    'fulfilled',
  ])
  expect(results[1]).toMatchObject({ reason: thrown })
  expect(results[3]).toMatchObject({ reason: { code: '22012' } })
  expect(await keys()).toEqual(['a', 'b', 'c'])
  await commits.close()
})

test('a work that hides its failed statement is refused, for nothing of it was committed', async () => {
  const commits = newGroup()
  const hiding: Work<string> = async (trx) => {
    await put('hidden')(trx)
    await sql`select 1 / 0`.execute(trx).catch(() => {})
    return 'all is well'
  }
  const [hidden, good] = await Promise.allSettled([commits.write(hiding), commits.write(put('a'))])
  expect(hidden.status).toBe('rejected')
  expect(good.status).toBe('fulfilled')
  expect(await keys()).toEqual(['a'])
  await commits.close()
})

test('a write rides out a connection that is cut in the middle of its transaction', async () => {
  const commits = newGroup()
  let runs = 0
  const work: Work<string> = async (trx) => {
    const key = await put('a')(trx)
    if (++runs === 1) await killConnectionOf(await backend(trx))
    await sql`select 1`.execute(trx)
    return key
  }
  expect(await Promise.all([commits.write(work), commits.write(put('b'))])).toEqual(['a', 'b'])
  expect(runs).toBe(2)
  expect(await keys()).toEqual(['a', 'b'])
  await commits.close()
})

test('when the database stays away, everything that waits fails after the patience', async () => {
  const commits = newGroup({ patience: 0 })
  const cut: Work<void> = async (trx) => {
    await killConnectionOf(await backend(trx))
    await sql`select 1`.execute(trx)
  }
  const results = await Promise.allSettled([commits.write(cut), commits.write(put('a'))])
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  // It works again when the database is back.
  expect(await commits.write(put('b'))).toBe('b')
  await commits.close()
})

test('more than maxPending writes are refused, and the others are not hurt', async () => {
  const commits = newGroup({ maxPending: 2 })
  const results = await Promise.allSettled(['a', 'b', 'c'].map((key) => commits.write(put(key))))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  expect(results[2]).toMatchObject({ reason: { code: 'ROUSE_DATABASE_FAILED' } })
  await commits.close()
})

test('close waits for what was written and takes no more', async () => {
  const commits = newGroup({ maxBatch: 1 })
  const settled: string[] = []
  for (const key of ['a', 'b', 'c']) void commits.write(put(key)).then((done) => settled.push(done))
  await commits.close()
  expect(await keys()).toEqual(['a', 'b', 'c'])
  expect(settled).toEqual(['a', 'b', 'c'])
  await expect(commits.write(put('d'))).rejects.toMatchObject({ code: 'ROUSE_SHUTTING_DOWN' })
})

function newGroup(options: Partial<GroupCommitOptions> = {}): GroupCommit {
  return new GroupCommit(database.db, { log: pino({ level: 'silent' }), ...options })
}

function put(key: string): Work<string> {
  return async (trx) => {
    await trx.insertInto('master_state').values({ key, value: '1' }).execute()
    return key
  }
}

async function keys(): Promise<string[]> {
  const rows = await database.db.selectFrom('master_state').select('key').orderBy('key').execute()
  return rows.map((row) => row.key)
}

const transactionId: Work<string> = async (trx) => {
  const { rows } = await sql<{ id: string }>`select pg_current_xact_id()::text as id`.execute(trx)
  return rows[0]!.id
}

const backend: Work<number> = async (trx) => {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
  return rows[0]!.pid
}

async function killConnectionOf(pid: number): Promise<void> {
  await sql`select pg_terminate_backend(${pid}, 5000)`.execute(database.db)
}
