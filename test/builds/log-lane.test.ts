import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LogLane, type Chunk, type OpenLog } from '../../src/builds/log-lane.ts'
import type { PatienceOptions } from '../../src/db/patience.ts'
import type { EventBody } from '../../src/model/events.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { cutWhile } from './cut-while.ts'

let database: TestDatabase
let stepId: number
let buildId: number
let epoch: number
beforeAll(async () => {
  database = await createTestDatabase()
  ;({ buildId, epoch, stepId } = await makeStep())
})
afterAll(() => database.close())

test('chunks that come together are stored in their order, and the log tells how long it is', async () => {
  const { events, lane, log } = await open()
  await Promise.all(['one\n', 'two\nthree\n', 'four'].map((text) => lane.append(log, chunk(text))))
  expect(await stored(log)).toEqual([
    { start: 0, first_line: 0, body: 'one\n' },
    { start: 4, first_line: 1, body: 'two\nthree\n' },
    { start: 14, first_line: 3, body: 'four' },
  ])
  const row = database.db.selectFrom('logs').select(['bytes', 'lines']).where('id', '=', log.id)
  expect(await row.executeTakeFirst()).toEqual({ bytes: 18, lines: 3 })
  expect(events).toEqual([{ type: 'log.grew', build: buildId, log: log.id, bytes: 18, lines: 3 }])
})

test('a connection that is cut while a chunk is being stored costs nothing', async () => {
  const { lane, log } = await open()
  expect(
    await cutWhile(database, { table: 'log_chunks' }, () => lane.append(log, chunk('kept\n'))),
  ).toMatchObject({ status: 'fulfilled' })
  await lane.append(log, chunk('next\n'))
  expect((await stored(log)).map((c) => c.body)).toEqual(['kept\n', 'next\n'])
})

test('when the patience is over, what waits fails, is not told of, and the lane goes on', async () => {
  const { events, lane, log } = await open({ patience: 0 })
  expect(
    await cutWhile(database, { table: 'log_chunks' }, () => lane.append(log, chunk('lost\n'))),
  ).toMatchObject({ status: 'rejected' })
  expect(events).toEqual([])
  const other = await newLog('other')
  await lane.append(other, chunk('fine\n'))
  expect([await stored(log), (await stored(other)).map((c) => c.body)]).toEqual([[], ['fine\n']])
  await lane.close()
})

async function open(patience: PatienceOptions = {}) {
  const events: EventBody[] = []
  const lane = new LogLane(database.db, (event) => events.push(event), {
    ...patience,
    epoch,
  })
  return {
    events,
    lane,
    log: await newLog(`log-${patience.patience ?? ''}-${expect.getState().currentTestName}`),
  }
}

function chunk(text: string): Chunk {
  const body = Buffer.from(text)
  const runs = [{ stream: 'stdout' as const, length: body.length }]
  return { rawLength: body.length, lines: text.split('\n').length - 1, codec: 'none', runs, body }
}

async function stored(log: OpenLog) {
  const rows = await database.db
    .selectFrom('log_chunks')
    .select(['start', 'first_line', 'body'])
    .where('log_id', '=', log.id)
    .orderBy('start')
    .execute()
  return rows.map((row) => ({ ...row, body: row.body.toString() }))
}

async function newLog(name: string): Promise<OpenLog> {
  const { db } = database
  const { id } = await db
    .insertInto('logs')
    .values({ step_id: stepId, name })
    .returning('id')
    .executeTakeFirstOrThrow()
  return { id, buildId, bytes: 0, lines: 0 }
}

/** With all that it stands on. */
async function makeStep() {
  const { rows } = await sql<{ stepId: number; buildId: number; epoch: number }>`
    with master as (
      insert into masters (id, host, pid, version, lease_until) values (gen_random_uuid(), 'test', 1, '0', now()) returning *
    ), worker as (insert into workers (name, kind) values ('bot', 'static') returning id),
    builder as (insert into builders (name) values ('one') returning id),
    stamp as (insert into source_stamps default values returning id),
    buildset as (
      insert into buildsets (reason, origin, source_stamp_id) select 'test', 'force', id from stamp returning id
    ), request as (
      insert into requests (buildset_id, builder_id) select buildset.id, builder.id from buildset, builder returning id
    ), build as (
      insert into builds (request_id, builder_id, worker_id, attempt, slot, run_id, owner, epoch)
      select request.id, builder.id, worker.id, 1, 0, gen_random_uuid(), master.id, master.epoch
      from request, builder, worker, master returning id, epoch
    ), step as (insert into steps (build_id, number, name) select id, 1, 'step' from build returning id)
    select step.id as "stepId", build.id as "buildId", build.epoch from step, build`.execute(database.db)
  return rows[0]!
}
