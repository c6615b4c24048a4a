import { sql } from 'kysely'
import pino from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { listen, notify } from '../../src/db/notify.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { waitFor } from '../helpers/wait-for.ts'

test('notifications arrive in order once their transaction is committed', async () => {
  const { db, heard } = await listening('a channel')
  await db.transaction().execute(async (trx) => {
    await notify(trx, 'a channel', 'one')
    await notify(trx, 'a channel', 'two')
  })
  await rolledBack(db, 'a channel')
  await notify(db, 'another channel', 'not for us')
  await notify(db, 'a channel', 'three')
  await waitFor('the last notification', () => heard.payloads.includes('three'))
  expect(heard.payloads).toEqual(['one', 'two', 'three'])
})

test('after a lost connection the listener is back, and is told to read again', async () => {
  const { db, heard } = await listening('changes')
  expect(heard.begins).toBe(1)
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
            where application_name = 'rouse listen' and datname = current_database()`.execute(db)
  await waitFor('the listener to be back', () => heard.begins === 2)
  await notify(db, 'changes', 'still here')
  await waitFor('the notification', () => heard.payloads.includes('still here'))
})

test('a handler that throws does not end the listening', async () => {
  const { db, heard } = await listening('changes', () => {
    throw new Error('handler')
  })
  await notify(db, 'changes', 'one')
  await notify(db, 'changes', 'two')
  await waitFor('both notifications', () => heard.payloads.length === 2)
  expect(heard.begins).toBe(1)
})

test('a signal that is aborted before it is connected ends the listening', async () => {
  const database = await newDatabase()
  const controller = new AbortController()
  const running = listen({
    address: database.address,
    channel: 'changes',
    onNotify: () => {},
    onListening: () => {},
    log: pino({ level: 'silent' }),
    signal: controller.signal,
  })
  controller.abort()
  await expect(running).resolves.toBeUndefined()
})

async function listening(channel: string, onNotify: () => void = () => {}) {
  const database = await newDatabase()
  const heard = { payloads: [] as string[], begins: 0 }
  const controller = new AbortController()
  const running = listen({
    address: database.address,
    channel,
    onNotify: (payload) => {
      heard.payloads.push(payload)
      onNotify()
    },
    onListening: () => heard.begins++,
    log: pino({ level: 'silent' }),
    signal: controller.signal,
  })
  onTestFinished(async () => {
    controller.abort()
    await running
  })
  await waitFor('the listener', () => heard.begins === 1)
  return { db: database.db, heard }
}

async function newDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase({ empty: true })
  onTestFinished(() => database.close())
  return database
}

async function rolledBack(db: TestDatabase['db'], channel: string): Promise<void> {
  const rollback = new Error('roll back')
  const work = db.transaction().execute(async (trx) => {
    await notify(trx, channel, 'never')
    throw rollback
  })
  await expect(work).rejects.toBe(rollback)
}
