import { sql } from 'kysely'
import pino from 'pino'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { openDatabase, type OpenDatabase, type OpenDatabaseOptions } from '../../src/db/connection.ts'
import { describeAddress } from '../../src/db/database-address.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { startDatabaseProxy } from '../helpers/database-proxy.ts'
import { waitFor } from '../helpers/wait-for.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

test('bigints and counts come as numbers, times as dates', async () => {
  const { rows } = await sql`
    select 9007199254740991::bigint as big, count(*) as count, '2026-01-02T03:04:05Z'::timestamptz as time
  `.execute(database.db)
  expect(rows).toEqual([{ big: Number.MAX_SAFE_INTEGER, count: 1, time: new Date('2026-01-02T03:04:05Z') }])
})

test('a connection by URL works and says who it is', async () => {
  const { url } = await startDatabaseProxy(database.address)
  const { db } = await open({ address: { url } })
  const { rows } = await sql`select current_setting('application_name') as name`.execute(db)
  expect(rows).toEqual([{ name: 'rouse' }])
})

test('a database that cannot be reached is named, but not its password', async () => {
  const address = { url: 'postgres://rouse:hunter2@127.0.0.1:1/builds' }
  const error = await open({ address }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'ROUSE_DATABASE_FAILED',
    message: expect.stringMatching(/postgres:\/\/rouse@127\.0\.0\.1:1\/builds.*ECONNREFUSED/),
  })
  expect(everythingAbout(error)).not.toContain('hunter2')
  expect(describeAddress(address)).toBe('postgres://rouse@127.0.0.1:1/builds')
})

test('a URL that cannot be read is refused without repeating it', async () => {
  const error = await open({ address: { url: 'postgres://rouse:hunter2@:::/' } }).catch(
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({ code: 'ROUSE_DATABASE_FAILED', advice: expect.stringContaining('percent') })
  expect(everythingAbout(error)).not.toContain('hunter2')
})

test('a database that is starting up is waited for', async () => {
  const { url } = await startDatabaseProxy(database.address, { startingUp: 3 })
  const { db } = await open({ address: { url } })
  expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
})

test('waiting for a database ends with the signal', async () => {
  const { url } = await startDatabaseProxy(database.address, { startingUp: 1_000 })
  const reason = new Error('enough')
  const opening = open({ address: { url }, signal: AbortSignal.abort(reason) })
  await expect(opening).rejects.toBe(reason)
})

test('an idle connection that is lost is logged, and the next statement gets a new one', async () => {
  const logged: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void logged.push(line) })
  const { db, pool } = await open({ log, poolSize: 1 })
  await killAll(pool)
  await waitFor('the loss to be logged', () => logged.some((line) => line.includes('connection was lost')))
  expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
})

test('a connection that is lost in the middle of a transaction fails that transaction only', async () => {
  const { db, pool } = await open({ poolSize: 1 })
  const transaction = db.transaction().execute(async (trx) => {
    await killAll(pool)
    await waitFor('the loss', () =>
      sql`select 1`.execute(trx).then(
        () => false,
        () => true,
      ),
    )
    await sql`select 1`.execute(trx)
  })
  await expect(transaction).rejects.toThrow(/connection/i)
  expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
})

test('a statement that runs too long is ended by the server', async () => {
  const { db } = await open({ statementTimeout: 50 })
  await expect(sql`select pg_sleep(60)`.execute(db)).rejects.toMatchObject({ code: '57014' })
})

test('a server that does not answer any more is given up, and its connection is not used again', async () => {
  const proxy = await startDatabaseProxy(database.address)
  const { db, pool } = await open({ address: { url: proxy.url }, poolSize: 1, answerTimeout: 500 })
  proxy.goSilent()
  await expect(sql`select 1`.execute(db)).rejects.toThrow('Query read timeout')
  expect(pool.totalCount).toBe(0)
  expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
})

async function open(options: Partial<OpenDatabaseOptions>): Promise<OpenDatabase> {
  const opened = await openDatabase({ address: database.address, log: pino({ level: 'silent' }), ...options })
  onTestFinished(() => opened.close())
  return opened
}

/** Ends every connection of this pool from outside. */
async function killAll(pool: OpenDatabase['pool']): Promise<void> {
  const pids = (pool as unknown as { _clients: { processID: number }[] })._clients.map(
    (client) => client.processID,
  )
  await sql`select pg_terminate_backend(pid, 5000) from unnest(${pids}::int[]) as pid`.execute(database.db)
}

function everythingAbout(error: unknown): string {
  return `${String(error)} ${JSON.stringify(error)} ${(error as Error).stack} ${String((error as Error).cause)}`
}
