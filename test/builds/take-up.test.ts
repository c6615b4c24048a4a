import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { shell } from '../../src/steps/shell.ts'
import { step } from '../../src/steps/step.ts'
import type { TestDatabase } from '../helpers/database.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { Core, ownDatabase, doneOf, held, outputFrame, type CoreOptions } from './test-core.ts'

const open = async (o: Partial<CoreOptions> & { database?: TestDatabase } = {}) => {
  const { database = await ownDatabase(), ...options } = o
  return Core.open(database, {
    workers: [{ name: 'bot' }, { name: 'here', kind: 'local' }],
    builders: [
      { name: 'one', workers: ['bot'], steps: [shell('one')] },
      { name: 'two', workers: ['bot'], steps: [captures] },
      { name: 'local', workers: ['here'], steps: [shell('local')] },
    ],
    ...options,
  })
}

/** Run again, it reads its first command's output from the database before it comes to the second. */
const captures = step('captures', async (context) => {
  const { stdout } = await context.command({ op: 'shell', command: 'first' }, { capture: 100 })
  await context.command({ op: 'shell', command: `after ${stdout}` })
})

const buildsOf = ({ database }: Core) =>
  database.db.selectFrom('builds').select(['attempt', 'result', 'cancel_reason']).orderBy('id').execute()

test('an agent that says hello while its build is being taken up goes on with the command', async () => {
  const first = await open()
  const request = await first.force('two')
  const agent = first.connect('bot')
  const { command: one } = await agent.next('run')
  agent.output(outputFrame(one, 0, Buffer.from('answer')))
  agent.send(doneOf(one, 6))
  const { command: two } = await agent.next('run', 2)
  await first.close()

  // The step that runs again cannot read what its first command said yet.
  const lock = await first.database.pool.connect()
  await lock.query('begin')
  await lock.query('lock table log_chunks in access exclusive mode')
  const second = await open({ database: first.database })
  const back = second.connect('bot', { runId: agent.runId, commands: [held(two, 0)] })
  await second.fleet.get('bot')!.session!.stored
  await first.database.db.selectFrom('sessions').select('id').execute()
  expect(back.received).toEqual([])
  await lock.query('rollback')
  lock.release()
  expect(await back.next('welcome')).toMatchObject({ resume: [{ command: two }] })
  back.send(doneOf(two, 0))
  expect(back.of('cancel')).toEqual([])
  expect(await second.result(request)).toBe('SUCCESS')
})

test('a build goes where its agent goes, also from a master that still lives', async () => {
  const first = await open()
  const request = await first.force('one')
  const agent = first.connect('bot')
  const { command } = await agent.next('run')
  agent.drop()

  const second = await open({ database: first.database, only: false })
  const there = second.connect('bot', { runId: agent.runId, commands: [held(command, 0)] })
  expect(await there.next('welcome')).toMatchObject({ resume: [{ command }] })
  there.send(doneOf(command, 0))
  expect(await second.result(request)).toBe('SUCCESS')
  expect(await first.database.db.selectFrom('builds').select(['attempt', 'result']).execute()).toEqual([
    { attempt: 1, result: 'SUCCESS' },
  ])
})

test('a command that is being stored when the master lets go is run by the next one', async () => {
  const first = await open()
  const agent = first.connect('bot')
  await agent.next('welcome')
  const lock = await first.database.pool.connect()
  await lock.query('begin')
  await lock.query('lock table commands in access exclusive mode')
  const request = await first.force('one')
  const waiting = sql`select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  await waitFor('the command to be stored', async () => {
    const { rows } = await waiting.execute(first.database.db)
    return rows.length > 0
  })
  const closed = first.close()
  await lock.query('rollback')
  lock.release()
  await closed

  const second = await open({ database: first.database })
  const back = second.connect('bot', { runId: agent.runId })
  const { command } = await back.next('run')
  back.send(doneOf(command, 0))
  expect(await second.result(request)).toBe('SUCCESS')
  expect(agent.of('run')).toEqual([])
  expect(await buildsOf(second)).toMatchObject([{ attempt: 1, result: 'SUCCESS' }])
})

test('a build of a local worker is begun again after each restart of the master, however many there are', async () => {
  let core = await open()
  const request = await core.force('local')
  const restarts = 6
  for (let i = 0; i < restarts; i++) {
    await core.connect('here').next('run')
    await core.close()
    core = await open({ database: core.database })
  }
  const agent = core.connect('here')
  const { command } = await agent.next('run')
  agent.send(doneOf(command, 0))
  expect(await core.result(request)).toBe('SUCCESS')
  expect((await buildsOf(core)).map((b) => b.result)).toEqual([
    ...Array<string>(restarts).fill('RETRY'),
    'SUCCESS',
  ])
})

test('a build that is cancelled before anybody has taken it up is cancelled by whoever does', async () => {
  const first = await open()
  const request = await first.force('one')
  const agent = first.connect('bot')
  const { command } = await agent.next('run')
  agent.drop()

  const second = await open({ database: first.database, only: false })
  await second.builds.cancelRequest(request, { reason: 'not wanted' })
  expect(await buildsOf(second)).toMatchObject([{ result: null, cancel_reason: 'not wanted' }])
  const there = second.connect('bot', { runId: agent.runId, commands: [held(command, 0)] })
  expect(await there.next('cancel')).toMatchObject({ command })
  there.send(doneOf(command, 0))
  expect(await second.result(request)).toBe('CANCELLED')
})

test('an agent that does not come back to a new master is given up after maxDisconnected', async () => {
  const first = await open()
  const request = await first.force('one')
  const agent = first.connect('bot')
  await agent.next('run')
  await first.close()
  // As a master leaves it that was killed.
  await sql`update workers set disconnected_at = null`.execute(first.database.db)

  const second = await open({ database: first.database, maxDisconnected: 0.5 })
  await waitFor('the end of the first attempt', async () => (await buildsOf(second))[0]?.result === 'RETRY')
  const other = second.connect('bot')
  const { command } = await other.next('run')
  other.send(doneOf(command, 0))
  expect(await second.result(request)).toBe('SUCCESS')
})
