import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { shell } from '../../src/steps/shell.ts'
import { Core, ownDatabase, exited, outputFrame, type CoreOptions } from '../builds/test-core.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { waitFor } from '../helpers/wait-for.ts'

const open = async (options: Partial<CoreOptions> = {}) =>
  Core.open(await ownDatabase(), {
    workers: [{ name: 'bot' }, { name: 'local-1', kind: 'local' }],
    builders: [
      { name: 'one', workers: ['bot'], steps: [shell('one')] },
      { name: 'two', workers: ['bot'], steps: [shell('two')] },
    ],
    ...options,
  })

/** Rows of sessions that the database takes for alive. */
const liveSessions = ({ database }: Core) =>
  database.db.selectFrom('sessions').select(['run_id']).where('disconnected_at', 'is', null).execute()

test('an agent is welcome after its session is stored, and gone with its connection', async () => {
  const core = await open()
  const agent = core.connect('bot')
  const welcome = await agent.next('welcome')
  expect(agent.received[0]).toBe(welcome)
  expect(welcome).toMatchObject({ resume: [], heartbeat: 30 })
  expect(await liveSessions(core)).toEqual([{ run_id: agent.runId }])
  agent.drop()
  expect(core.fleet.get('bot')!.session).toBe(undefined)
  await waitFor('the end to be stored', async () => (await liveSessions(core)).length === 0)
})

test('a connection that breaks while its session is being stored leaves nothing behind', async () => {
  const core = await open()
  const agent = core.connect('bot')
  agent.drop()
  await waitFor('the end', () => core.fleet.get('bot')!.session === undefined)
  await waitFor('the end to be stored', async () => (await liveSessions(core)).length === 0)
})

test('the same agent run replaces its own session at once, even one that is still being stored', async () => {
  const core = await open()
  const runId = randomUUID()
  const [first, second, third] = [1, 2, 3].map(() => core.connect('bot', { runId }))
  await third!.next('welcome')
  expect([first!.closed, second!.closed]).toEqual(Array(2).fill('replaced by a new connection'))
  expect([first!.received, second!.received]).toEqual([[], []])
  expect(core.fleet.get('bot')!.obstacle).toBe(undefined)
  await waitFor('one session to be left', async () => (await liveSessions(core)).length === 1)
})

test('what a replaced session still sends does not count', async () => {
  const core = await open()
  const request = await core.force('one')
  const first = core.connect('bot')
  const { command } = await first.next('run')
  const held = { id: command, logs: [{ log: 0, bytes: 4 }], result: null }
  const second = core.connect('bot', { runId: first.runId, commands: [held] })
  // Its link does not know yet that it is closed.
  first.closed = undefined
  first.output(outputFrame(command, 0, Buffer.from('old\n')))
  first.send({ type: 'done', command, result: { ...exited, exitCode: 1 }, logs: [{ log: 0, bytes: 4 }] })
  expect(await second.next('welcome')).toMatchObject({ resume: [{ command, logs: [{ log: 0, bytes: 0 }] }] })
  second.output(outputFrame(command, 0, Buffer.from('new\n')))
  second.send({ type: 'done', command, result: exited, logs: [{ log: 0, bytes: 4 }] })
  expect(await core.result(request)).toBe('SUCCESS')
  const chunk = core.database.db.selectFrom('log_chunks').select('body').orderBy('log_id', 'desc')
  expect((await chunk.executeTakeFirstOrThrow()).body.toString()).toBe('new\n')
})

test('another agent run is refused while a session is there', async () => {
  const core = await open()
  const first = core.connect('bot')
  await first.next('welcome')
  const second = core.connect('bot')
  await waitFor('the refusal', () => second.closed)
  expect(second.closed).toBe('another agent is connected as "bot" from test')
  expect(first.closed).toBe(undefined)
})

test('an agent of another protocol version is refused and told who is older', async () => {
  const core = await open()
  const agent = core.connect('bot', { protocol: 99 })
  await waitFor('the refusal', () => agent.closed)
  expect(agent.closed).toMatch(/speaks protocol 99, .*upgrade the master/)
  expect(core.fleet.get('bot')!.session).toBe(undefined)
})

test.each([
  ['anything before the hello', 'the first message must be a hello'],
  ['output before the welcome', 'output before the welcome'],
  ['a second hello', 'a second hello'],
])('%s ends the connection', async (what, reason) => {
  const core = await open()
  const agent = core.connect('bot', what.startsWith('anything') ? false : {})
  if (what.startsWith('anything')) agent.send({ type: 'heartbeat' })
  else if (what.startsWith('output')) agent.output(outputFrame(randomUUID(), 0, Buffer.from('x')))
  else {
    await agent.next('welcome')
    agent.hello()
  }
  await waitFor('the end', () => agent.closed)
  expect(agent.closed).toBe(reason)
})

test('a connection that never says hello is closed', { timeout: 30_000 }, async () => {
  const core = await open()
  const agent = core.connect('bot', false)
  await waitFor('the end', () => agent.closed)
  expect(agent.closed).toBe('no hello within 10 seconds')
})

test('a silent agent is dropped after three heartbeats, one that is heard is not, a local one never', async () => {
  const clock = new ManualClock()
  const core = await open({ clock, heartbeat: 10 })
  const [agent, local] = [core.connect('bot'), core.connect('local-1')]
  await Promise.all([agent.next('welcome'), local.next('welcome')])
  // Five loops of fleet and builds go round.
  const beat = async () => {
    await waitFor('everyone to sleep', () => clock.sleeping === 5)
    clock.advance(10_000)
    await waitFor('everyone to sleep again', () => clock.sleeping === 5)
  }
  for (let i = 0; i < 5; i++) {
    await beat()
    agent.send({ type: 'heartbeat' })
  }
  expect(agent.of('heartbeat')).toHaveLength(5)
  // However long the master's machine slept: only what was asked and not answered counts.
  clock.advance(10_000_000)
  await beat()
  expect(agent.closed).toBe(undefined)
  await beat()
  await beat()
  expect(agent.closed).toBe('silent for three heartbeats')
  expect(local.closed).toBe(undefined)
})

test('an agent that asked for no more builds gets none after a reconnect either', async () => {
  const core = await open()
  const first = core.connect('bot')
  await first.next('welcome')
  first.send({ type: 'drain', cancel: false })
  await first.next('drained')
  first.drop()
  const again = core.connect('bot', { runId: first.runId })
  await again.next('welcome')
  expect(core.fleet.get('bot')!.obstacle).toBe('is shutting down')
  again.drop()

  await core.force('one')
  const restarted = core.connect('bot')
  await restarted.next('run')
  expect(again.of('run')).toEqual([])
})
