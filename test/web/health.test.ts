import pg from 'pg'
import { Kysely, PostgresDialect } from 'kysely'
import { expect, test } from 'vitest'
import type { Database } from '../../src/db/schema.ts'
import { createTestDatabase } from '../helpers/database.ts'
import { ask } from './ask.ts'
import { startTestWeb, useTestWeb } from './start-test-web.ts'

const web = useTestWeb()

test.each(['/health', '/api/v1/health'])(
  '%s answers while the process lives and the database answers',
  async (path) => {
    const { status, json } = await ask(web().url + path)
    expect({ status, json }).toEqual({ status: 200, json: { status: 'ok' } })
  },
)

test('health fails with 503 when the database does not answer', async () => {
  const database = await createTestDatabase()
  const nowhere = new pg.Pool({ host: '/nonexistent', connectionTimeoutMillis: 1000 })
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: nowhere }) })
  const { url, web } = await startTestWeb(database, {}, { db })
  try {
    const { status, json } = await ask(`${url}/health`)
    expect(status).toBe(503)
    expect(json.code).toBe('ROUSE_DATABASE_FAILED')
    expect(json.message).not.toContain('nonexistent')
  } finally {
    await web.close()
    await db.destroy()
    await database.close()
  }
})

test('ready says when builds may start and when not', async () => {
  expect((await ask(`${web().url}/api/v1/ready`)).status).toBe(200)
  web().isReady = false
  const { status, json } = await ask(`${web().url}/api/v1/ready`)
  expect(status).toBe(503)
  expect(json.code).toBe('ROUSE_NOT_READY')
})
