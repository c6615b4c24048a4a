import { expect, test } from 'vitest'
import type { StepContext } from '../../src/steps/step.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { Core, doneOf, outputFrame, ownDatabase, type CoreAgent } from './test-core.ts'
import type { TestDatabase } from '../helpers/database.ts'

const shell = (context: StepContext) => context.command({ op: 'shell', command: 'true' })
const run = async (agent: CoreAgent) => (await agent.next('run')).command

test.for<
  [what: string, ask: (context: StepContext) => Promise<unknown>, act?: (agent: CoreAgent) => Promise<void>]
>([
  ['a property', (context) => context.setProperty('late', true)],
  ['the answer to an effect', (context) => context.randomId()],
  ['a note', (context) => context.note('late')],
  ['a command', shell],
  ["a step's end", async () => {}],
  ['output', shell, async (agent) => agent.output(outputFrame(await run(agent), 0, Buffer.from('late\n')))],
  ["a command's result", shell, async (agent) => agent.send(doneOf(await run(agent), 0))],
])('%s is not stored by a master whose build another one has taken over', async ([, ask, act]) => {
  const gate = Promise.withResolvers<void>()
  const step = async (context: StepContext) => {
    const asked = act ? ask(context) : undefined
    asked?.catch(() => {})
    await gate.promise
    await (asked ?? ask(context))
  }
  const database = await ownDatabase()
  const core = await Core.open(database, {
    workers: [{ name: 'bot' }],
    builders: [
      { name: 'one', workers: ['bot'], steps: [{ kind: 'step', type: 'custom', name: 'step', run: step }] },
    ],
  })
  const agent = core.connect('bot')
  await core.force('one')
  await waitFor('the step', () => core.events.some(({ type }) => type === 'step.started'))
  if (act) await agent.next('run')

  await database.pool.query('update builds set epoch = epoch + 1')
  const before = await all(database)
  await act?.(agent)
  gate.resolve()
  await waitFor('the build to be left', () => core.builds.running.length === 0)
  expect(await all(database)).toEqual(before)
  expect([...agent.of('ack'), ...agent.of('forget')]).toEqual([])
})

async function all({ pool }: TestDatabase): Promise<unknown[]> {
  const tables = [
    'builds',
    'requests',
    'build_properties',
    'steps',
    'effects',
    'commands',
    'logs',
    'log_chunks',
  ]
  return Promise.all(
    tables.map(async (table) => (await pool.query(`select * from ${table} order by 1, 2`)).rows),
  )
}
