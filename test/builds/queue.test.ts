import { expect, test } from 'vitest'
import { masterLock } from '../../src/model/lock.ts'
import { shell } from '../../src/steps/shell.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { Core, exited, ownDatabase, type CoreAgent } from './test-core.ts'

const db = masterLock('db')
const open = async () =>
  Core.open(await ownDatabase(), {
    workers: [{ name: 'bot', maxBuilds: 2 }],
    builders: ['one', 'two'].map((name) => ({
      name,
      workers: ['bot'],
      locks: [db.access('exclusive')],
      steps: [shell(name)],
    })),
  })
const submit = async (core: Core, builder: string, priority: number) => {
  const source = { repository: '', branch: null, revision: null }
  const common = { source, properties: [], reason: 'test', origin: 'force' } as const
  return (await core.builds.submit({ builders: [builder], priority, ...common })).requests[0]!.id
}
const commandOf = (agent: CoreAgent, n: number) =>
  agent
    .next('run', n)
    .then(({ command, operation }) => ({ command, text: (operation as { command: string }).command }))
const finish = async (agent: CoreAgent, n: number) => {
  const { command } = await commandOf(agent, n)
  agent.send({ type: 'done', command, result: exited, logs: [] })
}

test('what an agent loses gives its locks back, keeps its priority, and comes before what is less urgent', async () => {
  const core = await open()
  const first = core.connect('bot')
  const urgent = await submit(core, 'one', 7)
  expect((await commandOf(first, 1)).text).toBe('one')
  const other = await submit(core, 'two', 0)
  await waitFor(
    'two to wait',
    () => core.builds.waiting(other)?.reason === 'waits for lock "db" held by build 1 of one',
  )
  const usual = await submit(core, 'one', 0)

  first.drop()
  const second = core.connect('bot')
  expect((await commandOf(second, 1)).text).toBe('two')
  expect(core.builds.waiting(urgent)).toMatchObject({ position: 1 })
  expect(core.builds.waiting(usual)).toMatchObject({ position: 2 })
  const row = core.database.db
    .selectFrom('requests')
    .select(['priority', 'infra_failures'])
    .where('id', '=', urgent)
  expect(await row.executeTakeFirst()).toEqual({ priority: 7, infra_failures: 1 })
})

test('a request that is cancelled while it stands in line lets the others go first', async () => {
  const core = await open()
  const agent = core.connect('bot')
  await submit(core, 'one', 0)
  await commandOf(agent, 1)
  const two = await submit(core, 'two', 0)
  await waitFor('two to wait', () => core.builds.waiting(two)?.reason.includes('lock'))
  const told = { type: 'request.waiting', request: two, reason: 'waits for lock "db" held by build 1 of one' }
  expect(core.events).toContainEqual(expect.objectContaining(told))
  const last = await submit(core, 'one', 0)
  await core.builds.cancelRequest(two, { reason: 'no need' })
  await finish(agent, 1)
  expect((await commandOf(agent, 2)).text).toBe('one')
  expect(core.builds.waiting(last)).toBeUndefined()
})
