import { sql } from 'kysely'
import pino from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { migrateDatabase } from '../../src/db/migrate.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'

const log = pino({ level: 'silent' })

test('an empty database gets the whole schema, and a second start changes nothing', async () => {
  const { address, db } = await emptyDatabase()
  await migrateDatabase({ address, log })
  expect(await db.selectFrom('masters').selectAll().execute()).toEqual([])
  const first = await applied(db)
  await migrateDatabase({ address, log })
  expect(await applied(db)).toEqual(first)
})

test('masters that start at the same time migrate once', async () => {
  const { address, db } = await emptyDatabase()
  await Promise.all([1, 2, 3].map(() => migrateDatabase({ address, log })))
  const names = (await applied(db)).map(({ name }) => name)
  expect(names.slice(0, 1)).toEqual(['0001_first'])
  expect(names).toEqual([...new Set(names)])
})

test('a database that a newer Rouse has migrated is refused and named', async () => {
  const { address, db } = await emptyDatabase()
  await migrateDatabase({ address, log })
  await sql`insert into migrations (name) values ('0999_from_the_future')`.execute(db)
  await expect(migrateDatabase({ address, log })).rejects.toMatchObject({
    code: 'ROUSE_DATABASE_NEWER',
    message: expect.stringContaining('0999_from_the_future'),
  })
})

test('a migration that fails leaves the database as it was', async () => {
  const { address, db } = await emptyDatabase()
  await sql`create table workers (something text)`.execute(db)
  await expect(migrateDatabase({ address, log })).rejects.toMatchObject({ code: 'ROUSE_DATABASE_FAILED' })
  const { rows } = await sql`select tablename from pg_tables where schemaname = 'public'`.execute(db)
  expect(rows).toEqual([{ tablename: 'workers' }])
})

async function emptyDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase({ empty: true })
  onTestFinished(() => database.close())
  return database
}

async function applied(db: TestDatabase['db']): Promise<{ name: string; applied_at: Date }[]> {
  return (await sql<{ name: string; applied_at: Date }>`select * from migrations`.execute(db)).rows
}
