import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import pino from 'pino'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { clientConfig } from '../../src/db/database-address.ts'
import { Jobs } from '../../src/db/jobs.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { endProcess } from '../helpers/embedded-postgres.ts'
import { waitFor } from '../helpers/wait-for.ts'

const log = pino({ level: 'silent' })
let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

async function open({ only = false } = {}) {
  const jobs = await Jobs.open({ pool: database.pool, log, only })
  return Object.assign(jobs, { [Symbol.asyncDispose]: () => jobs.close() })
}

test('a key is worked on when it is woken, and again at the time that its work asks for', async () => {
  await using jobs = await open()
  const seen: string[] = []
  await jobs.work('again', {
    concurrency: 1,
    work: async (key) => {
      seen.push(key)
      return seen.length < 3 ? new Date() : undefined
    },
  })
  await jobs.wake('again', 'a')
  await waitFor('three rounds', () => seen.length === 3)
  expect(seen).toEqual(['a', 'a', 'a'])
})

test('a key that is woken many times at once is worked on once or twice, never side by side', async () => {
  await using jobs = await open()
  let running = 0
  let most = 0
  let rounds = 0
  const gate = Promise.withResolvers<void>()
  await jobs.work('once', {
    concurrency: 4,
    work: async () => {
      most = Math.max(most, ++running)
      rounds++
      await gate.promise
      running--
      return undefined
    },
  })
  await Promise.all(Array.from({ length: 20 }, () => jobs.wake('once', 'k')))
  await waitFor('the first round', () => rounds === 1)
  await jobs.wake('once', 'k')
  gate.resolve()
  await waitFor('the second round', () => rounds === 2 && running === 0)
  expect(most).toBe(1)
})

test('what fails is tried again', async () => {
  await using jobs = await open()
  let tries = 0
  await jobs.work('failing', {
    concurrency: 1,
    work: async () => {
      if (++tries === 1) throw new Error('not yet')
      return undefined
    },
  })
  await jobs.wake('failing', 'k')
  await waitFor('the second try', () => tries === 2, { timeout: 60_000 })
})

test('a time to come is brought forward by a wake', async () => {
  await using jobs = await open()
  let rounds = 0
  await jobs.work('later', {
    concurrency: 1,
    work: async () => {
      rounds++
      return undefined
    },
  })
  await jobs.wake('later', 'k', new Date(Date.now() + 3_600_000))
  await jobs.wake('later', 'k')
  await waitFor('it', () => rounds === 1)
})

test.each([
  ['within a minute', { only: false }],
  ['at once when no other master can be alive', { only: true }],
])(
  'a job that was running when its master was killed is taken up %s',
  async (_, { only }) => {
    const queue = `orphaned-${only}`
    const script = join(import.meta.dirname, '../helpers/hold-job.ts')
    const master = spawn(process.execPath, [script, database.url, queue], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => endProcess(master, 'SIGKILL'))
    await once(createInterface(master.stdout), 'line')
    await endProcess(master, 'SIGKILL')

    await using next = await open({ only })
    let taken = false
    await next.work(queue, {
      concurrency: 1,
      work: async () => {
        taken = true
        return undefined
      },
    })
    await waitFor('the next master to take it', () => taken, { timeout: only ? 15_000 : 60_000 })
  },
  90_000,
)

test('a user of the database who may not create schemas is told so', async () => {
  const pool = database.pool
  await pool.query(`create role weak login; grant usage on schema public to weak`)
  const weak = new pg.Pool({ ...clientConfig(database.address), user: 'weak' })
  onTestFinished(async () => {
    await weak.end()
    await pool.query('drop owned by weak; drop role weak')
  })
  await pool.query('drop schema if exists jobs cascade')
  const opening = Jobs.open({ pool: weak, log, only: false })
  await expect(opening).rejects.toMatchObject({ code: 'ROUSE_DATABASE_FAILED', advice: /grant create/ })
})
