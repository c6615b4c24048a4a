import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { outputWindow } from '../../src/fleet/session.ts'
import { maxRawBytes } from '../../src/protocol/output-frame.ts'
import { shell } from '../../src/steps/shell.ts'
import type { TestDatabase } from '../helpers/database.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { cutWhile } from './cut-while.ts'
import { Core, doneOf, exited, held, outputFrame, ownDatabase, type CoreOptions } from './test-core.ts'
import { anyMove, TroubledAgent } from './troubled-agent.ts'

const open = async ({ database, ...options }: Partial<CoreOptions> & { database?: TestDatabase } = {}) =>
  Core.open(database ?? (await ownDatabase()), {
    workers: [{ name: 'bot' }, { name: 'other' }],
    builders: [
      { name: 'one', workers: ['bot'], steps: [shell('one')] },
      { name: 'logs', workers: ['bot'], steps: [shell('logs', { logFiles: { 'z.log': 'a', b: 'b.log' } })] },
      { name: 'elsewhere', workers: ['other'], steps: [shell('elsewhere')] },
    ],
    ...options,
  })

test('whatever happens to frames and connections, a log has each byte once and in order, and acks come after the commit', async () => {
  const core = await open()
  const output = fc.uint8Array({ minLength: 1, maxLength: 3000 }).map((bytes) => Buffer.from(bytes))
  const property = fc.asyncProperty(output, fc.array(anyMove, { maxLength: 25 }), async (bytes, moves) => {
    const agent = new TroubledAgent(core, 'one', [bytes])
    try {
      await agent.live(moves)
    } finally {
      agent.end()
    }
  })
  await fc.assert(property, { numRuns: 60 })
})

test('the same holds for each log of a command that has several', async () => {
  const core = await open()
  const output = fc.uint8Array({ minLength: 0, maxLength: 2000 }).map((bytes) => Buffer.from(bytes))
  const outputs = fc.tuple(output, output, output)
  const property = fc.asyncProperty(outputs, fc.array(anyMove, { maxLength: 25 }), async (logs, moves) => {
    const agent = new TroubledAgent(core, 'logs', logs)
    try {
      await agent.live(moves)
    } finally {
      agent.end()
    }
  })
  await fc.assert(property, { numRuns: 40 })
})

test('logs of files have the names of the step, and go on in the hands of the next master at the right byte', async () => {
  const first = await open()
  const request = await first.force('logs')
  const agent = first.connect('bot')
  const { command } = await agent.next('run')
  agent.output(outputFrame(command, 0, Buffer.from('out\n')))
  agent.output(outputFrame(command, 0, Buffer.from('file'), 1))
  await agent.next('ack', 2)
  await first.close()

  const second = await open({ database: first.database })
  const back = second.connect('bot', { runId: agent.runId, commands: [held(command, 4, 6, 3)] })
  const { resume } = await back.next('welcome')
  expect(resume).toEqual([{ command, logs: held('', 4, 4, 0).logs }])
  back.output(outputFrame(command, 4, Buffer.from('s\n'), 1))
  back.output(outputFrame(command, 0, Buffer.from('b b'), 2))
  back.send(doneOf(command, 4, 6, 3))
  expect(await second.result(request)).toBe('SUCCESS')
  const logs = second.database.db.selectFrom('logs').select(['name', 'bytes', 'lines', 'finished'])
  expect(await logs.orderBy('id').execute()).toEqual([
    { name: 'stdio', bytes: 4, lines: 1, finished: true },
    { name: 'z.log', bytes: 6, lines: 1, finished: true },
    { name: 'b', bytes: 3, lines: 0, finished: true },
  ])
})

test('a window bounds all logs of a command together, and a log that it does not have is refused', async () => {
  const core = await open()
  await core.force('logs')
  const bot = core.connect('bot')
  const { command } = await bot.next('run')
  const body = Buffer.alloc(maxRawBytes)
  for (let i = 0; i <= outputWindow / maxRawBytes / 2; i++)
    for (const log of [1, 2]) bot.output(outputFrame(command, i * body.length, body, log))
  expect(bot.closed).toBe('more output than the window allows')
  const again = core.connect('bot', { runId: bot.runId, commands: [held(command, 0)] })
  await again.next('welcome')
  again.output(outputFrame(command, 0, body, 3))
  expect(again.closed).toBe('output of a log that the command does not have')
})

test('a build whose writes find no database for longer than the patience goes on as if nothing had been', async () => {
  const core = await open({ patience: 0 })
  const agent = core.connect('bot')
  await agent.next('welcome')
  const cut = (table: string, act: () => Promise<unknown>) =>
    cutWhile(core.database, { table, times: 2 }, act)
  const fine = { status: 'fulfilled' }

  const request = await cut('commands', async () => {
    const id = await core.force('one')
    await agent.next('run')
    return id
  })
  expect(request).toMatchObject(fine)
  const { command } = await agent.next('run')
  expect(
    await cut('log_chunks', () => {
      agent.output(outputFrame(command, 0, Buffer.from('kept\n')))
      return agent.next('ack')
    }),
  ).toMatchObject(fine)
  expect(
    await cut('commands', () => {
      agent.send(doneOf(command, 5))
      return agent.next('forget')
    }),
  ).toMatchObject(fine)
  await waitFor('the end', () => core.fleet.get('bot')!.places.size === 0)
  const builds = core.database.db.selectFrom('builds').select(['attempt', 'result'])
  expect(await builds.execute()).toEqual([{ attempt: 1, result: 'SUCCESS' }])
})

test('output that was under way when the connection broke is committed before the agent may let go of it', async () => {
  const core = await open()
  const request = await core.force('one')
  const first = core.connect('bot')
  const { command } = await first.next('run')
  const body = Buffer.alloc(maxRawBytes, 'x')
  for (let i = 0; i < 8; i++) first.output(outputFrame(command, i * body.length, body))
  first.drop()
  const second = core.connect('bot', { runId: first.runId, commands: [held(command, 8 * body.length)] })
  const welcome = await second.next('welcome')
  const { bytes } = await core.database.db.selectFrom('logs').select('bytes').executeTakeFirstOrThrow()
  expect(bytes).toBe(8 * body.length)
  expect(welcome.resume).toEqual([{ command, logs: [{ log: 0, bytes }] }])
  // Nothing may come before a welcome, and no ack of the old connection does.
  expect(second.received[0]).toBe(welcome)
  second.send(doneOf(command, bytes))
  expect(await core.result(request)).toBe('SUCCESS')
})

test('a build that is cancelled while its agent is connecting is cancelled right after the welcome', async () => {
  const core = await open()
  const request = await core.force('one')
  const first = core.connect('bot')
  const { command } = await first.next('run')
  first.drop()
  // The command never arrived.
  const second = core.connect('bot', { runId: first.runId })
  await core.builds.cancelRequest(request, { reason: 'no need' })
  await second.next('cancel')
  expect(second.received.map((m) => m.type).slice(0, 3)).toEqual(['welcome', 'run', 'cancel'])
  const cancelled = { exitCode: null, signal: 'SIGTERM', reason: 'cancelled' } as const
  second.send({ type: 'done', command, result: cancelled, logs: [] })
  expect(await core.result(request)).toBe('CANCELLED')
})

test('an agent whose command was given up ends it before anything else begins there', async () => {
  const core = await open()
  await sql`alter table log_chunks add constraint no_poison check (body <> 'poison\n')`.execute(
    core.database.db,
  )
  try {
    const requests = [await core.force('one'), await core.force('elsewhere')]
    const [bot, other] = [core.connect('bot'), core.connect('other')]
    const [bad, good] = [await bot.next('run'), await other.next('run')]
    // In one batch: the one that the database refuses does not take the other with it.
    bot.output(outputFrame(bad.command, 0, Buffer.from('poison\n')))
    other.output(outputFrame(good.command, 0, Buffer.from('fine\n')))
    expect(await other.next('ack')).toMatchObject({ offset: 5 })
    other.send(doneOf(good.command, 5))
    expect(await core.result(requests[1]!)).toBe('SUCCESS')

    expect(await bot.next('cancel')).toMatchObject({ command: bad.command })
    expect(core.fleet.get('bot')!.obstacle).toBe('is ending commands of an earlier build')
    expect(bot.of('run')).toHaveLength(1)
    bot.send(doneOf(bad.command, 7))
    const again = await bot.next('run', 2)
    expect(again.command).not.toBe(bad.command)
    bot.send(doneOf(again.command, 0))
    expect(await core.result(requests[0]!)).toBe('SUCCESS')
  } finally {
    await sql`alter table log_chunks drop constraint no_poison`.execute(core.database.db)
  }
})

test('an agent cannot send more than its window, end before its output, or speak for another', async () => {
  const core = await open()
  await core.force('one')
  const bot = core.connect('bot')
  const { command } = await bot.next('run')

  const stranger = core.connect('other')
  await stranger.next('welcome')
  stranger.output(outputFrame(command, 0, Buffer.from('not mine\n')))
  expect(await stranger.next('ack')).toMatchObject({ command, offset: 9 })
  stranger.send(doneOf(command, 9))
  await stranger.next('forget')

  bot.send(doneOf(command, 5))
  expect(bot.closed).toBe('done before all of its output')
  const again = core.connect('bot', { runId: bot.runId, commands: [held(command, 0)] })
  await again.next('welcome')
  const body = Buffer.alloc(maxRawBytes)
  for (let i = 0; i <= outputWindow / maxRawBytes; i++)
    again.output(outputFrame(command, i * body.length, body))
  expect(again.closed).toBe('more output than the window allows')
  expect(core.fleet.get('bot')!.runningBuilds).toHaveLength(1)
})

test('a command that the agent itself has lost is tried again, and a late second result changes nothing', async () => {
  const core = await open()
  const request = await core.force('one')
  const agent = core.connect('bot')
  const { command } = await agent.next('run')
  const lost = { exitCode: null, signal: null, reason: 'lost', message: 'the disk is gone' } as const
  agent.send({ type: 'done', command, result: lost, logs: [] })
  agent.send(doneOf(command, 0))
  const again = await agent.next('run', 2)
  agent.send({ type: 'done', command: again.command, result: { ...exited, exitCode: 1 }, logs: [] })
  agent.send(doneOf(again.command, 0))
  expect(await core.result(request)).toBe('FAILURE')
  const builds = await core.database.db
    .selectFrom('builds')
    .select(['result', 'summary'])
    .orderBy('id')
    .execute()
  expect(builds).toEqual([
    { result: 'RETRY', summary: 'the disk is gone' },
    { result: 'FAILURE', summary: expect.any(String) },
  ])
})

test('a command of nobody that an agent brings along is ended before a build begins there', async () => {
  const core = await open()
  const unknown = randomUUID()
  await core.force('one')
  const agent = core.connect('bot', { commands: [held(unknown, 10)] })
  await agent.next('welcome')
  expect(await agent.next('cancel')).toMatchObject({ command: unknown })
  expect(core.fleet.get('bot')!.obstacle).toBe('is ending commands of an earlier build')
  agent.send(doneOf(unknown, 10))
  await agent.next('run')
  expect(agent.received.map((m) => m.type).slice(0, 4)).toEqual(['welcome', 'cancel', 'forget', 'run'])
})

test("a config's maxLogSize goes to the agent, and another one later does not make it another step", async () => {
  const database = await ownDatabase()
  const workers = [{ name: 'bot' }]
  const steps = [shell('one'), shell('two', { maxLogSize: 2048 })]
  const builders = [{ name: 'one', workers: ['bot'], steps }]
  const first = await Core.open(database, { workers, builders, maxLogSize: 5000 })
  const request = await first.force('one')
  const agent = first.connect('bot')
  const { command, operation } = await agent.next('run')
  expect(operation).toMatchObject({ maxLogSize: 5000 })
  await first.close()

  const second = await Core.open(database, { workers, builders, maxLogSize: 6000 })
  const back = second.connect('bot', { runId: agent.runId, commands: [held(command, 0)] })
  await back.next('welcome')
  back.send(doneOf(command, 0))
  const { command: two, operation: other } = await back.next('run')
  expect(other).toMatchObject({ command: 'two', maxLogSize: 2048 })
  back.send(doneOf(two, 0))
  expect(await second.result(request)).toBe('SUCCESS')
})
