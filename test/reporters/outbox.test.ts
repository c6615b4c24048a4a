import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { DeliveryError } from '../../src/reporters/delivery-error.ts'
import { retryNotice } from '../../src/reporters/retry-notice.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { EarReporter, openOutbox } from './test-outbox.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())
beforeEach(() => sql`truncate notices, notice_targets, reporters cascade`.execute(database.db))

const rows = () => database.db.selectFrom('notices').selectAll().orderBy('id').execute()
const theOne = async () => (await rows())[0]!
const state = (wanted: string) => waitFor(wanted, async () => (await theOne())?.state === wanted)
/** As if its time had come. */
const due = () =>
  sql`update notices set next_attempt_at = now(), claimed_until = null where ended_at is null`.execute(
    database.db,
  )

test('what has happened is told once', async () => {
  const ear = new EarReporter()
  const { happens, outbox } = await openOutbox(database, [ear])
  await happens('bot')
  await state('sent')
  outbox.soon()
  await happens('other')
  await waitFor('both', () => ear.sent.length === 2)
  expect(ear.sent.map(({ attempt, subject }) => [attempt, subject])).toEqual([
    [1, 'about bot'],
    [1, 'about other'],
  ])
})

test('a message that fails keeps its id, shows its error, and arrives once it works again', async () => {
  const ear = new EarReporter()
  const { happens, outbox } = await openOutbox(database, [ear])
  ear.answer = async () => {
    throw new DeliveryError('the relay is down', { advice: 'start it' })
  }
  await happens('bot')
  await waitFor('the failure', async () => (await theOne())?.error)
  const failed = await theOne()
  expect(failed).toMatchObject({
    state: 'waiting',
    attempts: 1,
    error: { message: 'the relay is down', advice: 'start it' },
  })
  expect(failed.next_attempt_at.getTime()).toBeGreaterThan(Date.now() + 5000)
  ear.answer = async () => {}
  await due()
  outbox.soon()
  await state('sent')
  expect(ear.sent).toHaveLength(2)
  expect(ear.sent[1]!.id).toBe(ear.sent[0]!.id)
  expect((await theOne()).error).toBeNull()
})

test('one that is refused for good is not tried again, until somebody wants it', async () => {
  const ear = new EarReporter()
  const { commit, happens, outbox } = await openOutbox(database, [ear])
  ear.answer = async () => {
    throw new DeliveryError('no such repository', { worth: 'never' })
  }
  await happens('bot')
  await state('failed')
  ear.answer = async () => {}
  await commit.write((trx) => retryNotice(trx, 1 * Number.MAX_SAFE_INTEGER))
  const { id } = await theOne()
  await commit.write((trx) => retryNotice(trx, id))
  outbox.soon()
  await state('sent')
  expect(ear.sent).toHaveLength(2)
  await commit.write((trx) => retryNotice(trx, id))
  expect((await theOne()).state).toBe('sent')
})

test('one that is too old is dropped with a record', async () => {
  const ear = new EarReporter()
  const first = await openOutbox(database, [ear])
  ear.answer = async () => {
    throw new Error('away')
  }
  await first.happens('bot')
  await waitFor('the failure', async () => (await theOne())?.error)
  await first.close()
  await sql`update notices set expires_at = now() - interval '1 s', next_attempt_at = now()`.execute(
    database.db,
  )
  const next = new EarReporter()
  await openOutbox(database, [next])
  await state('dropped')
  expect((await theOne()).error).toEqual({ message: 'it was too old to be useful' })
  expect(next.sent).toEqual([])
})

test('a target that always fails waits by itself; others are told', async () => {
  const ear = new EarReporter()
  const { happens, outbox } = await openOutbox(database, [ear])
  ear.compose = async (event) => {
    const worker = 'worker' in event ? event.worker : '?'
    return [{ target: worker, subject: worker, content: {} }]
  }
  ear.answer = async ({ target }) => {
    if (target === 'bad') throw new Error('away')
  }
  for (let i = 1; i <= 5; i++) {
    await happens('bad')
    await waitFor(`failure ${i}`, async () => {
      const target = await database.db.selectFrom('notice_targets').select('failures').executeTakeFirst()
      return target?.failures === i
    })
  }
  await due()
  outbox.soon()
  await happens('good')
  await waitFor('the good one', () => ear.sent.some(({ target }) => target === 'good'))
  await waitFor('the bad ones to be put off', async () => {
    const open = (await rows()).filter(({ ended_at }) => !ended_at)
    return open.length === 5 && open.every((row) => row.next_attempt_at.getTime() > Date.now() + 5000)
  })
  expect(ear.sent.filter(({ target }) => target === 'bad')).toHaveLength(5)

  // One asks whether it works again, and takes the others along.
  ear.answer = async () => {}
  await sql`update notice_targets set held_until = now()`.execute(database.db)
  await due()
  outbox.soon()
  await waitFor('one of them', async () =>
    (await rows()).some((row) => row.target === 'bad' && row.state === 'sent'),
  )
  await due()
  outbox.soon()
  await waitFor('all', async () => (await rows()).every((row) => row.state === 'sent'))
  expect(await database.db.selectFrom('notice_targets').selectAll().execute()).toEqual([])
})

test('of messages about the state of one thing that wait only the newest is sent', async () => {
  const ear = new EarReporter()
  const { happens, outbox } = await openOutbox(database, [ear])
  ear.compose = async (event) => {
    const worker = 'worker' in event ? event.worker : '?'
    return [{ target: 'repo', subject: worker, content: {}, lane: 'commit 1' }]
  }
  ear.answer = async () => {
    throw new Error('away')
  }
  for (const word of ['pending', 'running', 'done']) {
    await happens(word)
    await waitFor(word, async () => (await rows()).some((row) => row.subject === word && row.attempts === 1))
  }
  ear.answer = async () => {}
  await due()
  outbox.soon()
  await waitFor('the end', async () => (await rows()).every(({ ended_at }) => ended_at))
  expect((await rows()).map((row) => [row.subject, row.state])).toEqual([
    ['pending', 'dropped'],
    ['running', 'dropped'],
    ['done', 'sent'],
  ])
})

test('what a master was sending when it ended is sent by the next one, under the same id', async () => {
  const ear = new EarReporter()
  const first = await openOutbox(database, [ear])
  ear.answer = (_, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('cut'))))
  await first.happens('bot')
  await waitFor('the first try', () => ear.sent.length === 1)
  await first.close()
  expect(await theOne()).toMatchObject({ state: 'waiting', attempts: 1, error: null })

  const next = new EarReporter()
  await openOutbox(database, [next])
  await due()
  await state('sent')
  expect(next.sent[0]!.id).toBe(ear.sent[0]!.id)
  expect(next.sent[0]!.attempt).toBe(2)
}, 60_000)

test('an event that nobody wants to hear of leaves nothing behind; several messages are told one by one', async () => {
  const ear = new EarReporter()
  const { happens } = await openOutbox(database, [ear])
  ear.compose = async (event) =>
    'worker' in event && event.worker === 'dull'
      ? []
      : ['a', 'b'].map((target) => ({ target, subject: 's', content: {} }))
  await happens('dull')
  await waitFor('nothing', async () => (await rows()).length === 0)
  await happens('loud')
  await waitFor('both', async () => (await rows()).filter(({ state }) => state === 'sent').length === 2)
  expect(ear.sent.map(({ target }) => target).toSorted()).toEqual(['a', 'b'])
  expect(ear.sent[0]!.id).not.toBe(ear.sent[1]!.id)
})

test('a part of a message that could not be sent yet is tried again by itself under the same id', async () => {
  const ear = new EarReporter()
  const { happens, outbox } = await openOutbox(database, [ear])
  ear.answer = async () => ({
    note: 'refused for eve',
    rest: { target: 'later', subject: 's', content: { n: 1 } },
  })
  await happens('bot')
  await waitFor('the rest', async () => (await rows()).length === 2)
  expect((await theOne()).error).toEqual({ message: 'refused for eve' })
  ear.answer = async () => {}
  await due()
  outbox.soon()
  await waitFor('all', async () => (await rows()).every((row) => row.state === 'sent'))
  expect(ear.sent.map(({ target }) => target)).toEqual(['bob', 'later'])
  expect(ear.sent[1]!.id).toBe(ear.sent[0]!.id)
})

test('a message that cannot be made is tried again, and seen', async () => {
  const ear = new EarReporter()
  const { happens, outbox } = await openOutbox(database, [ear])
  const { compose } = ear
  ear.compose = async () => {
    throw new Error('the template has a mistake')
  }
  await happens('bot')
  await waitFor('the failure', async () => (await theOne())?.error)
  expect(await theOne()).toMatchObject({ state: 'new', error: { message: 'the template has a mistake' } })
  ear.compose = compose
  await due()
  outbox.soon()
  await state('sent')
})

test('what waits for a reporter that is gone from the config is dropped with a record', async () => {
  const ear = new EarReporter()
  const { happens, outbox } = await openOutbox(database, [ear])
  ear.answer = async () => {
    throw new Error('away')
  }
  await happens('bot')
  await waitFor('the failure', async () => (await theOne())?.error)
  await outbox.configure([new EarReporter('other')])
  expect(await theOne()).toMatchObject({
    state: 'dropped',
    error: { message: 'its reporter is no longer in the config' },
  })
})

test('one that does not answer is given up after a minute', async () => {
  const ear = new EarReporter()
  const clock = new ManualClock()
  clock.advance(Date.now())
  const { happens, outbox } = await openOutbox(database, [ear], clock)
  ear.answer = () => new Promise(() => {})
  clock.advance(5000)
  await happens('bot')
  await waitFor('the try', () => {
    clock.advance(100)
    outbox.soon()
    return ear.sent.length === 1
  })
  clock.advance(60_000)
  await waitFor('the failure', async () => {
    clock.advance(1000)
    return (await theOne()).error
  })
  expect((await theOne()).error).toEqual({ message: 'it did not answer within 60 s' })
})
