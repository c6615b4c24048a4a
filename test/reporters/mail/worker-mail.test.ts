import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts'
import { compose } from './compose.ts'
import { tellMissing } from './sample-mails.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await createTestDatabase()
})
afterEach(() => database.close())

const team = { extraRecipients: ['team@acme.example'] }

describe('a mail about a missing worker', () => {
  test('goes as one message to all whom its entry names, and says what there is to say', async () => {
    const { build, event, waiting } = await tellMissing(database.db)
    const mails = await compose(database, event, { builders: [], ...team })
    expect(mails).toHaveLength(1)
    const { content, subject, target } = mails[0]!
    expect(target).toBe('bob@acme.example, alice@acme.example')
    expect(subject).toBe('[Acme builds] worker bot-solaris is missing')
    expect(content.listId).toBe('<bot-solaris.workers.ci.acme.example>')
    expect(content.text).toMatchInlineSnapshot(`
      "Worker bot-solaris is missing
      =============================

      Worker bot-solaris has been missing for 1 h 0 m: it is not connected.

      Missing since: 2026-11-21 01:00 UTC (1 h 0 m)
      Last seen:     2026-11-21 00:59 UTC
      Last address:  10.0.7.7
      Machine:       sun-7, solaris
      Host:          rack 7, Sun Fire V480
      Admin:         Bob Smith <bob@acme.example>
      Page:          https://ci.acme.example/#/workers/bot-solaris

      What it was running
      -------------------
      - build 1 <https://ci.acme.example/#/builds/1> of unit, not ended

      What waits for it
      -----------------
      - request r2 of unit, for 1 h 0 m

      -- 
      You get this because bot-solaris names you in notifyOnMissing.
      This mail is from Acme builds <https://ci.acme.example/>.
      "
    `)
    for (const part of [
      `https://ci.acme.example/#/builds/${build}`,
      'https://ci.acme.example/#/workers/bot-solaris',
      `request r${waiting} of`,
      'rack 7, Sun Fire V480',
      'Bob Smith &#60;bob@acme.example&#62;',
      '1 h 0 m',
    ])
      expect(content.html).toContain(part)
  })

  test('whose entry names nobody, or that has left the config, is not written', async () => {
    const { event } = await tellMissing(database.db)
    await database.db.insertInto('workers').values({ name: 'other', kind: 'static' }).execute()
    expect(await compose(database, { ...event, worker: 'other' })).toEqual([])
    expect(await compose(database, { ...event, worker: 'nobody' })).toEqual([])
  })

  test('is written by the notifiers only that are for the worker', async () => {
    const { event } = await tellMissing(database.db)
    expect(await compose(database, event, { workers: ['bot-solaris'] })).toHaveLength(1)
    expect(await compose(database, event, { workers: ['other'] })).toEqual([])
  })

  test('is in one thread with the mails that it is back and that it comes and goes', async () => {
    const { event } = await tellMissing(database.db)
    const at = '2026-11-21T01:30:00.000Z'
    const [missing] = await compose(database, event)
    const [back] = await compose(database, {
      type: 'worker.recovered',
      worker: 'bot-solaris',
      missingSince: event.since,
      recoveredAt: at,
      address: '10.0.7.8',
    })
    const [flapping] = await compose(database, {
      type: 'worker.flapping',
      worker: 'bot-solaris',
      losses: 7,
      at,
      lastReason: 'its connection was cut',
    })
    expect(back!.content.text).toContain('It was away for 30 m 0 s')
    expect(back!.subject).toBe('[Acme builds] worker bot-solaris is back')
    expect(flapping!.subject).toBe('[Acme builds] worker bot-solaris was lost 7 times within an hour')
    expect(flapping!.content.text).toContain('its connection was cut')
    expect(new Set([missing, back, flapping].map((mail) => mail!.content.thread)).size).toBe(1)
  })

  test('can have another subject and text', async () => {
    const { event } = await tellMissing(database.db)
    const [mail] = await compose(database, event, {
      workerSubject: ({ worker }, { subject }) => `${subject} (${worker.hostname})`,
      workerBody: ({ builds, url }) => `see ${url}, ${builds.length} builds`,
      subject: () => 'not this one',
    })
    expect(mail!.subject).toBe('[Acme builds] worker bot-solaris is missing (sun-7)')
    expect(mail!.content.text).toBe('see https://ci.acme.example/#/workers/bot-solaris, 1 builds')
    expect(mail!.content.html).toBeUndefined()
  })
})
