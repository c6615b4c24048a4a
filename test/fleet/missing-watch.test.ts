import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MissingWatch } from '../../src/fleet/missing-watch.ts'
import { storeMissing } from '../../src/fleet/store-missing.ts'
import type { MissingSpec, WorkerSpec } from '../../src/fleet/worker-spec.ts'
import type { NoticeEvent } from '../../src/model/notice-event.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { FarEnd, openFleet, staticSpec } from './open-fleet.ts'

const minute = 60_000
const hour = 60 * minute

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  await sql`insert into reporters (name, kind, events) values
    ('ears', 'test', '{worker.missing,worker.recovered,worker.flapping}')`.execute(database.db)
})
afterAll(() => database.close())
beforeEach(async () => {
  for (const table of ['notices', 'sessions', 'workers', 'masters'])
    await sql`truncate ${sql.table(table)} cascade`.execute(database.db)
})

function watched(more: Partial<MissingSpec> = {}): WorkerSpec {
  return staticSpec({ missing: { timeout: hour, recovery: false, flapping: false, minIdle: 0, ...more } })
}

async function open(spec = watched()) {
  const parts = await openFleet(database, [spec])
  const watch = () =>
    new MissingWatch({ ...parts, db: database.db, workers: () => [spec], buildersOf: () => ['unit'] })
  return { ...parts, watch }
}

async function notices(): Promise<NoticeEvent[]> {
  const rows = await database.db.selectFrom('notices').select('event').orderBy('id').execute()
  return rows.map(({ event }) => event)
}

async function lose(far: FarEnd, wasLost: () => Promise<unknown>, why = 'the line was cut'): Promise<void> {
  far.master.closed(why)
  await waitFor('the loss to be stored', wasLost)
}

const isAway = () =>
  database.db.selectFrom('workers').select('id').where('disconnected_at', 'is not', null).executeTakeFirst()

describe('a static worker', () => {
  test('that was lost is noted once, at its deadline and not before', async () => {
    const { clock, fleet, watch } = await open()
    const watching = watch()
    clock.advance(10 * minute)
    const far = await new FarEnd(fleet).welcomed()
    await watching.check()
    await lose(far, isAway)
    const lost = clock.now()

    clock.advance(hour - 1000)
    expect((await watching.check()).getTime()).toBe(lost + hour)
    expect(await notices()).toEqual([])
    clock.advance(1000)
    await watching.check()
    clock.advance(hour)
    await watching.check()
    expect(await notices()).toEqual([
      {
        type: 'worker.missing',
        worker: 'bot',
        since: new Date(lost).toISOString(),
        reason: 'it is not connected',
        lastAddress: '192.0.2.7',
        lastSeenAt: new Date(lost).toISOString(),
        builds: [],
      },
    ])
  })

  test('that never connected is noted as long after it came into the config', async () => {
    const { clock, watch } = await open()
    const watching = watch()
    clock.advance(hour - 5000)
    await watching.check()
    expect(await notices()).toEqual([])
    clock.advance(10_000)
    await watching.check()
    expect(await notices()).toMatchObject([{ type: 'worker.missing', lastAddress: null, lastSeenAt: null }])
  })

  test('that is back in time is not noted', async () => {
    const { clock, fleet, watch } = await open()
    const watching = watch()
    await lose(await new FarEnd(fleet).welcomed(), isAway)
    clock.advance(hour - 1)
    await new FarEnd(fleet).welcomed()
    clock.advance(hour)
    await watching.check()
    expect(await notices()).toEqual([])
  })

  test('whose agent has come since one looked is not noted, and is when it is lost again', async () => {
    const { clock, commit, fleet, watch } = await open()
    const watching = watch()
    const far = await new FarEnd(fleet).welcomed()
    const { id, name } = await database.db
      .selectFrom('workers')
      .select(['id', 'name'])
      .executeTakeFirstOrThrow()
    const now = new Date(clock.now())
    for (const why of ['away', 'wanted', 'short'] as const) {
      const found = { id, name, reason: 'it is not connected', since: now, now, why }
      expect(await commit.write((trx) => storeMissing(trx, found))).toBe(false)
    }
    expect(await notices()).toEqual([])
    await lose(far, isAway)
    clock.advance(2 * hour)
    await watching.check()
    expect(await notices()).toHaveLength(1)
  })

  test('is noted again only after it was connected', async () => {
    const { clock, fleet, watch } = await open(watched({ recovery: true }))
    const watching = watch()
    clock.advance(minute)
    await lose(await new FarEnd(fleet).welcomed(), isAway)
    const lost = new Date(clock.now()).toISOString()
    clock.advance(hour)
    await watching.check()
    clock.advance(hour)
    await watching.check()
    expect(await notices()).toHaveLength(1)
    const far = await new FarEnd(fleet).welcomed()
    const back = new Date(clock.now()).toISOString()
    await lose(far, isAway)
    clock.advance(hour)
    await watching.check()
    expect(await notices()).toMatchObject([
      { type: 'worker.missing' },
      { type: 'worker.recovered', missingSince: lost, recoveredAt: back, address: '192.0.2.7' },
      { type: 'worker.missing' },
    ])
  })

  test('is noted five minutes after the start of a master that was down at its deadline, and once by all masters', async () => {
    const first = await open()
    await lose(await new FarEnd(first.fleet).welcomed(), isAway)
    await first.close()
    const { clock, watch } = await open()
    clock.advance(9 * hour)
    const [one, other] = [watch(), watch()]
    await one.check()
    clock.advance(5 * minute - 1)
    await one.check()
    expect(await notices()).toEqual([])
    clock.advance(1)
    await Promise.all([one.check(), other.check(), watch().check()])
    expect(await notices()).toHaveLength(1)
    await watch().check()
    expect(await notices()).toHaveLength(1)
  })

  test('counts from when it came back into the config', async () => {
    const { clock, commit, fleet, watch } = await open()
    await lose(await new FarEnd(fleet).welcomed(), isAway)
    const watching = watch()
    await fleet.configure([])
    await sql`update workers set disconnected_at = now() - interval '90 days', expected_since = now() - interval '99 days'`.execute(
      database.db,
    )
    await fleet.configure([watched()])
    clock.advance(10 * minute)
    await watching.check()
    expect(await notices()).toEqual([])
    clock.advance(hour)
    await watching.check()
    expect(await notices()).toHaveLength(1)
    await commit.close()
  })

  test('whose connection is lost more than five times in an hour is noted as flapping, if that is wanted', async () => {
    for (const flapping of [false, true]) {
      const { close, fleet } = await open(watched({ flapping }))
      for (let i = 0; i < 7; i++) {
        const far = await new FarEnd(fleet).welcomed()
        await lose(far, isAway)
      }
      const expected = flapping
        ? [{ type: 'worker.flapping', losses: 6, lastReason: 'the line was cut' }]
        : []
      expect(await notices()).toMatchObject(expected)
      await close()
      await sql`truncate sessions cascade`.execute(database.db)
    }
  })

  test('whose agent leaves as it was told to, however often, is not flapping', async () => {
    const { close, fleet } = await open(watched({ flapping: true }))
    for (const why of ['the agent left', 'this instance is being reset'])
      for (let i = 0; i < 7; i++) await lose(await new FarEnd(fleet).welcomed(), isAway, why)
    expect(await notices()).toEqual([])
    await close()
  })
})

describe('a latent worker', () => {
  const latent: WorkerSpec = { ...watched({ minIdle: 2 }), kind: 'latent' }
  const instance = (id: string, state: string, createdAt: Date) =>
    sql`insert into instances (id, worker_id, number, backend, state, template, epoch, deadline, created_at)
      select ${id}, w.id, ${Number(id.slice(1))}, 'fake', ${state}, '{}', m.epoch, now(), ${createdAt}
      from workers w, masters m`.execute(database.db)

  test('is missing when no instance has brought its agent for so long', async () => {
    const { clock, watch } = await open({ ...latent, missing: { ...latent.missing!, minIdle: 0 } })
    const watching = watch()
    clock.advance(10 * minute)
    const wanted = new Date(clock.now())
    await instance('i1', 'starting', wanted)
    await watching.check()
    // One after the other is tried.
    await sql`update instances set state = 'gone', deadline = null, stop_reason = 'kernel panic'`.execute(
      database.db,
    )
    await instance('i2', 'starting', new Date(clock.now() + minute))
    clock.advance(hour - 1)
    await watching.check()
    expect(await notices()).toEqual([])
    clock.advance(1)
    await watching.check()
    expect(await notices()).toMatchObject([
      {
        type: 'worker.missing',
        since: wanted.toISOString(),
        reason: 'its instances do not bring their agents',
      },
    ])
  })

  test('is not missing while nobody wants it', async () => {
    const { clock, watch } = await open({ ...latent, missing: { ...latent.missing!, minIdle: 0 } })
    const watching = watch()
    await instance('i1', 'starting', new Date(clock.now()))
    await watching.check()
    await sql`update instances set state = 'gone', deadline = null`.execute(database.db)
    await watching.check()
    clock.advance(3 * hour)
    await watching.check()
    expect(await notices()).toEqual([])
  })

  test('is missing when fewer instances are there than are kept', async () => {
    const { clock, watch } = await open(latent)
    const watching = watch()
    await watching.check()
    clock.advance(hour)
    await watching.check()
    expect(await notices()).toMatchObject([{ reason: 'only 0 of its instances are there' }])
  })
})
