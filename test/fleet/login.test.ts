import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FailedLogins } from '../../src/fleet/failed-logins.ts'
import { Login } from '../../src/fleet/login.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { FarEnd, openFleet, staticSpec } from './open-fleet.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

async function open() {
  const local = { ...staticSpec({ name: 'local' }), kind: 'local' as const, password: undefined! }
  const opened = await openFleet(database, [staticSpec(), local])
  const login = new Login({ fleet: opened.fleet, clock: opened.clock, log: opened.log })
  const attempt = { name: 'bot', password: 'b0t', address: '192.0.2.7', runId: undefined }
  return { ...opened, check: (more: object = {}) => login.check({ ...attempt, ...more }) }
}

const wrong = {
  ok: false,
  status: 401,
  code: 'ROUSE_AGENT_LOGIN_REFUSED',
  message: 'unknown worker name or wrong password',
}

test('unknown names, wrong passwords and local workers get one answer; the log says which it was, from where', async () => {
  const { check, fleet, logged } = await open()
  expect(await check()).toEqual({ ok: true, worker: fleet.get('bot') })
  expect(await check({ name: 'nobody' })).toEqual(wrong)
  expect(await check({ password: 'guess' })).toEqual(wrong)
  expect(await check({ name: 'local', password: '' })).toEqual(wrong)
  expect(logged.filter(({ level }) => level === 40)).toMatchObject([
    { worker: 'nobody', address: '192.0.2.7', msg: expect.stringContaining('no worker of this name') },
    { worker: 'bot', msg: expect.stringContaining('wrong password') },
    { worker: 'local', msg: expect.stringContaining('takes no agent') },
  ])
})

test('after ten failures in ten minutes the name is refused from that address, but never with the right password', async () => {
  const { check, clock, fleet, logged } = await open()
  for (let i = 0; i < 10; i++) {
    expect(await check({ password: `guess ${i}` })).toEqual(wrong)
    clock.advance(1000)
  }
  const lines = logged.length
  for (let i = 0; i < 20; i++)
    expect(await check({ password: 'guess' })).toMatchObject({
      status: 429,
      code: 'ROUSE_AGENT_TOO_MANY_FAILURES',
      retryAfter: 590,
    })
  expect(logged.slice(lines).filter(({ level }) => level === 40)).toEqual([])
  expect(await check()).toEqual({ ok: true, worker: fleet.get('bot') })
  expect(await check({ password: 'guess', address: '192.0.2.8' })).toEqual(wrong)
  expect(await check({ password: 'guess', name: 'other' })).toEqual(wrong)
  clock.advance(590_000)
  expect(await check({ password: 'guess' })).toEqual(wrong)
  expect(await check({ password: 'guess' })).toMatchObject({ status: 429 })
})

test('failures under any number of names take bounded memory', () => {
  const failed = new FailedLogins()
  for (let i = 0; i < 25_000; i++) failed.add(`name ${i}`.padEnd(500), '192.0.2.7', i)
  expect(failed.size).toBe(10_000)
})

test('another agent of the same name is refused with 409 while the first answers a ping', async () => {
  const { check, fleet } = await open()
  const first = await new FarEnd(fleet).welcomed()
  expect(await check({ runId: randomUUID() })).toEqual({
    ok: false,
    status: 409,
    code: 'ROUSE_AGENT_ALREADY_CONNECTED',
    message: 'another agent is connected as "bot" from 192.0.2.7, and it answers',
  })
  expect(first.pings).toBe(1)
  expect(fleet.get('bot')!.session?.runId).toBe(first.runId)
})

test('another agent takes over when the first does not answer', async () => {
  const { check, events, fleet } = await open()
  const first = await new FarEnd(fleet).welcomed()
  first.answersPings = false
  const attempts = await Promise.all([check({ runId: randomUUID() }), check()])
  expect(attempts).toEqual([
    { ok: true, worker: fleet.get('bot') },
    { ok: true, worker: fleet.get('bot') },
  ])
  expect(first.closed).toBe('another agent came, and this one did not answer')
  const second = await new FarEnd(fleet).welcomed()
  expect(fleet.get('bot')!.session?.runId).toBe(second.runId)
  expect(events.map(({ type }) => type)).toContain('worker.disconnected')
})

test('the same run takes the place of its own dead connection at once, without a ping', async () => {
  const { check, fleet } = await open()
  const first = await new FarEnd(fleet).welcomed()
  first.answersPings = false
  expect(await check({ runId: first.runId })).toEqual({ ok: true, worker: fleet.get('bot') })
  const again = await new FarEnd(fleet, { runId: first.runId }).welcomed()
  expect(first).toMatchObject({ closed: 'replaced by a new connection', pings: 0 })
  expect(again.closed).toBeUndefined()
})
