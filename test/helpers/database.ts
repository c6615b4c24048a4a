import { randomUUID } from 'node:crypto'
import pg from 'pg'
import pino from 'pino'
import { inject } from 'vitest'
import { openDatabase, type OpenDatabase } from '../../src/db/connection.ts'
import { clientConfig, type DatabaseSocket } from '../../src/db/database-address.ts'

export interface TestDatabase extends OpenDatabase {
  readonly address: DatabaseSocket
  /** For programs that take a URL. */
  readonly url: string
  /** Drops the database; fails when somebody left a connection to it open. */
  close(): Promise<void>
}

export interface TestDatabaseOptions {
  /** The schema as the migrations make it (default), or nothing at all. */
  readonly empty?: boolean
}

/** A database of your own in the PostgreSQL of this run: call it in beforeAll or a test, and `close` it at the end. */
export async function createTestDatabase({ empty = false }: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const template = inject('template')
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await asAdmin(template, `create database ${name} template ${empty ? 'template0' : template.database}`)

  const address = { ...template, database: name }
  const database = await openDatabase({ address, log: pino({ level: 'silent' }) })
  return {
    ...database,
    address,
    url: `postgres://${address.user}@${encodeURIComponent(address.host)}/${name}`,
    close: async () => {
      await database.close()
      await dropDatabase(address)
    },
  }
}

async function dropDatabase(address: DatabaseSocket): Promise<void> {
  try {
    await asAdmin(address, `drop database ${address.database}`)
  } catch (error) {
    const who = `select application_name, query from pg_stat_activity where datname = '${address.database}'`
    const left = JSON.stringify(await asAdmin(address, who))
    await asAdmin(address, `drop database ${address.database} with (force)`)
    throw new Error(`a test left connections to its database open: ${left}`, { cause: error })
  }
}

/** Runs one statement on the server's own database. */
async function asAdmin(address: DatabaseSocket, statement: string): Promise<unknown[]> {
  const client = new pg.Client(clientConfig({ ...address, database: 'postgres' }))
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}
