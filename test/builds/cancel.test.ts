import { expect, test } from 'vitest'
import type { EventBody } from '../../src/model/events.ts'
import { shell } from '../../src/steps/shell.ts'
import type { CommandResult } from '../../src/protocol/operation.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { Core, exited, ownDatabase, type CoreAgent } from './test-core.ts'

const seen = (type: EventBody['type']) => (core: Core) =>
  waitFor(type, () => core.events.some((event) => event.type === type), { interval: 1 })

const open = async () => {
  const core = await Core.open(await ownDatabase(), {
    workers: [{ name: 'bot' }],
    builders: [{ name: 'one', workers: ['bot'], steps: [shell('one')] }],
  })
  return { core, agent: core.connect('bot') }
}

const cancelled = { exitCode: null, signal: null, reason: 'cancelled' } as const

const end = (agent: CoreAgent, command: string, result: CommandResult = exited) =>
  agent.send({ type: 'done', command, result, logs: [{ log: 0, bytes: 0 }] })

/** What is stored and told of a request that has ended. */
const storyOf = async (core: Core, request: number) => {
  const result = await core.result(request)
  const builds = await core.db
    .selectFrom('builds')
    .select('result')
    .where('request_id', '=', request)
    .execute()
  const told = core.events.filter((event) => event.type === 'request.completed' && event.request === request)
  expect(told).toMatchObject([{ result }])
  expect(builds.length).toBeLessThanOrEqual(1)
  for (const build of builds) expect(build).toEqual({ result })
  return result
}

test.each<[string, (core: Core) => unknown]>([
  ['in the moment in which it is submitted', () => {}],
  ['in the turn in which it is claimed', () => new Promise((resolve) => setImmediate(resolve))],
  ['when it is stored as claimed', seen('request.claimed')],
  ['when its step begins', seen('step.started')],
])('a request that is cancelled %s is CANCELLED, and its worker takes the next one', async (_, moment) => {
  const { agent, core } = await open()
  const request = await core.force('one')
  let over = false
  const obeyed = waitFor('a cancel', () => over || agent.of('cancel').length > 0).then(() => {
    for (const { command } of agent.of('cancel')) end(agent, command, cancelled)
  })
  await moment(core)
  await core.builds.cancelRequest(request, { reason: 'enough' })
  expect(await storyOf(core, request)).toBe('CANCELLED')
  over = true
  await obeyed
  const runs = agent.of('run').length
  const next = await core.force('one')
  end(agent, (await agent.next('run', runs + 1)).command)
  expect(await storyOf(core, next)).toBe('SUCCESS')
})

test.each<[string, (core: Core) => unknown]>([
  ['while its last command ends', () => {}],
  ['when its last step has ended', seen('step.finished')],
  ['when it has ended', seen('build.finished')],
])('a request that is cancelled %s has one result, whichever comes first', async (when, moment) => {
  const { agent, core } = await open()
  const request = await core.force('one')
  end(agent, (await agent.next('run')).command)
  await moment(core)
  await core.builds.cancelRequest(request, { reason: 'enough' })
  const result = await storyOf(core, request)
  expect(when === 'when it has ended' ? ['SUCCESS'] : ['SUCCESS', 'CANCELLED']).toContain(result)
})
