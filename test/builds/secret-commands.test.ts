import { expect, test } from 'vitest'
import { secret } from '../../src/model/secret.ts'
import { shell } from '../../src/steps/shell.ts'
import { step } from '../../src/steps/step.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { Core, doneOf, held, ownDatabase } from './test-core.ts'

const TOKEN = secret('TOKEN')
const two = step('two', async (context) => {
  await context.command({ op: 'shell', command: 'one' })
  await context.command({ op: 'shell', command: 'two', env: { TOKEN } })
})

/** A core with one secret, whose value the test may change; undefined: it is gone. */
async function open() {
  const values: { TOKEN?: string } = { TOKEN: 'hunter2' }
  const database = await ownDatabase()
  const start = () =>
    Core.open(database, {
      workers: [{ name: 'bot' }],
      builders: [
        { name: 'one', workers: ['bot'], steps: [shell('one', { env: { TOKEN } })] },
        { name: 'two', workers: ['bot'], steps: [two] },
        { name: 'plain', workers: ['bot'], steps: [shell('plain')] },
      ],
      secretValue: () => {
        if (values.TOKEN === undefined) throw new Error('secret TOKEN is missing')
        return values.TOKEN
      },
    })
  const operations = async () =>
    (await database.db.selectFrom('commands').select('operation').execute()).map(({ operation }) => operation)
  return { values, start, core: await start(), operations, database }
}

test('the agent gets the value, the database the name', async () => {
  const { core, operations } = await open()
  const agent = core.connect('bot')
  const request = await core.force('one')
  const run = await agent.next('run')
  expect(run).toMatchObject({ operation: { env: { TOKEN: 'hunter2' } }, mask: ['hunter2'] })
  expect(run.operation).not.toHaveProperty('secretEnv')
  expect(await operations()).toMatchObject([{ env: {}, secretEnv: { TOKEN: 'TOKEN' } }])
  agent.send(doneOf(run.command, 0))
  expect(await core.result(request)).toBe('SUCCESS')
})

test('a command whose secret is missing is neither stored nor sent, and its step ends as EXCEPTION', async () => {
  const { core, database, operations, values } = await open()
  const agent = core.connect('bot')
  delete values.TOKEN
  expect(await core.result(await core.force('one'))).toBe('EXCEPTION')
  expect(agent.of('run')).toEqual([])
  expect(await operations()).toEqual([])
  const { summary } = await database.db.selectFrom('steps').select('summary').executeTakeFirstOrThrow()
  expect(summary).toBe('secret TOKEN is missing')
})

test('a secret that goes while its command waits for the agent hurts only that build', async () => {
  const { core, operations, values } = await open()
  const agent = core.connect('bot')
  const request = await core.force('two')
  const { command } = await agent.next('run')
  agent.send(doneOf(command, 0))
  agent.drop()
  await waitFor('the second command', async () => (await operations()).length === 2)
  delete values.TOKEN
  const back = core.connect('bot', { runId: agent.runId })
  expect(await core.result(request)).toBe('EXCEPTION')
  const next = await core.force('plain')
  const run = await back.next('run')
  expect(run).toMatchObject({ operation: { command: 'plain' } })
  back.send(doneOf(run.command, 0))
  expect(await core.result(next)).toBe('SUCCESS')
  expect(back.closed).toBeUndefined()
})

test('the next master goes on with a command that has begun, whatever has become of its secret', async () => {
  const { core, start, values } = await open()
  const agent = core.connect('bot')
  const request = await core.force('one')
  const { command } = await agent.next('run')
  await core.close()
  delete values.TOKEN
  const next = await start()
  const back = next.connect('bot', { runId: agent.runId, commands: [held(command, 0)] })
  await back.next('welcome')
  back.send(doneOf(command, 0))
  expect(await next.result(request)).toBe('SUCCESS')
})
