import { describe, expect, test } from 'vitest'
import type { FakeFault } from '../../workers/fake/index.ts'
import { LatentWorld, held, type LatentWorldOptions } from './latent-world.ts'

/** A world whose builds leave something on their machine, and say when they find what another has left. */
async function openWorld(
  { way = 'snapshot', ...options }: { way?: 'snapshot' | 'boot'; buildWaitTimeout?: number } = {},
  more: LatentWorldOptions = {},
) {
  const dirty: string[] = []
  const world = await LatentWorld.open({
    workers: { dock: { reset: way, buildWaitTimeout: 600, startTimeout: 60, ...options } },
    ...more,
    command: async (run, machine) => {
      if (machine.disk.size > 0) dirty.push(run.command)
      machine.disk.add(run.command)
      return (await more.command?.(run, machine)) ?? 0
    },
  })
  const calls = () =>
    world.cloud.calls.filter(({ operation }) => operation !== 'list').map(({ operation }) => operation)
  return { world, dirty, calls }
}

test('a machine is sealed before its agent logs in, and taken back to that after every build', async () => {
  const { calls, dirty, world } = await openWorld()
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  await world.state('attached')
  expect(calls()).toEqual(['start', 'seal', 'reset', 'reset', 'reset'])
  expect(dirty).toEqual([])
  expect(world.cloud.machines).toHaveLength(1)
  const [row] = await world.rows()
  expect(row).toMatchObject({ generation: 4, builds: 2 })
})

test('a machine that is reset by its boot is not sealed', async () => {
  const { calls, dirty, world } = await openWorld({ way: 'boot' })
  await world.result(await world.force('unit'))
  await world.result(await world.force('unit'))
  await world.state('attached')
  expect(calls()).toEqual(['start', 'reset', 'reset'])
  expect(dirty).toEqual([])
})

test('an agent that comes before the snapshot is refused and told why', async () => {
  const { world } = await openWorld()
  world.cloud.plan('seal', { delay: 5000 })
  await world.force('unit')
  await world.state('sealing')
  const agent = world.agentOf(world.cloud.machines[0])
  await world.until('its refusal', () => agent.refusal)
  expect(agent.refusal).toBe('the snapshot of this instance is not taken yet')
  expect(agent.connected).toBe(false)
})

test('a request that comes while the machine is reset waits for it, and no other one is started', async () => {
  const { calls, world } = await openWorld(
    {},
    { workers: { dock: { reset: 'snapshot', instances: { max: 3 } } } },
  )
  await world.result(await world.force('unit'))
  await world.state('attached')
  world.cloud.plan('reset', { delay: 20_000 })
  await world.result(await world.force('unit'))
  await world.state('resetting')
  const request = await world.force('unit')
  await world.pass(5)
  expect(world.master.builds.waiting(request)?.reason).toContain('is being reset')
  expect(await world.result(request)).toBe('SUCCESS')
  expect(calls().filter((call) => call === 'start')).toHaveLength(1)
})

test('it is kept for buildWaitTimeout after its last reset, and then ended', async () => {
  const { world } = await openWorld({ buildWaitTimeout: 100 })
  await world.result(await world.force('unit'))
  await world.state('attached')
  await world.pass(60)
  expect(world.cloud.machines).toHaveLength(1)
  await world.empty()
})

const seal: [string, FakeFault][] = [
  ['fails', { error: { message: 'no room' } }],
  ['has worked, and its answer was lost', { done: true, error: { message: 'the answer was lost' } }],
  ['hangs', { hang: true }],
]

test.each(seal)('a snapshot that %s: the machine is replaced', async (_, fault) => {
  const { dirty, world } = await openWorld()
  world.cloud.plan('seal', fault)
  const request = await world.force('unit')
  expect(await world.result(request, 2000)).toBe('SUCCESS')
  const rows = await world.rows()
  expect(rows).toHaveLength(2)
  expect(dirty).toEqual([])
})

const resets: [string, FakeFault][] = [
  ['fails', { error: { message: 'no such snapshot' } }],
  ['has worked, and its answer was lost', { done: true, error: { message: 'the answer was lost' } }],
  [
    'is half done: the machine runs again as it was',
    { dirty: true, done: true, error: { message: 'broken' } },
  ],
  ['is half done and never ends', { dirty: true, hangAfter: true }],
  ['hangs', { hang: true }],
  ['did nothing and says that all is well', { pretended: true }],
]

describe.each(resets)('a reset that %s', (_, fault) => {
  test('after a build: the next one runs on another machine', async () => {
    const { dirty, world } = await openWorld()
    await world.result(await world.force('unit'))
    await world.state('attached')
    world.cloud.plan('reset', fault)
    const [second, third] = [await world.force('unit'), await world.force('unit')]
    expect(await world.result(second, 2000)).toBe('SUCCESS')
    expect(await world.result(third, 2000)).toBe('SUCCESS')
    expect(dirty).toEqual([])
    const [after] = await world.builds(third)
    const [before] = await world.builds(second)
    expect(after!.instance_id).not.toBe(before!.instance_id)
  })

  test('before the first build: it counts as a start that failed', async () => {
    const { dirty, world } = await openWorld()
    world.cloud.plan('reset', fault)
    const request = await world.force('unit')
    expect(await world.result(request, 2000)).toBe('SUCCESS')
    expect(await world.rows()).toHaveLength(2)
    expect(dirty).toEqual([])
  })
})

test('the agent of a machine that was not reset is told so, and the machine is ended', async () => {
  const { world } = await openWorld()
  await world.result(await world.force('unit'))
  await world.state('attached')
  const [machine] = world.cloud.machines
  const agent = world.agentOf(machine)
  world.cloud.plan('reset', { pretended: true })
  await world.result(await world.force('unit'))
  await world.until('the end of the machine', () => machine!.endedAt)
  expect(agent.refusal).toContain('of an earlier generation')
  const [row] = await world.rows()
  expect(row!.stop_reason).toContain('it was not reset')
})

test('an agent whose connection was cut is taken back to the snapshot before it may build', async () => {
  const { calls, dirty, world } = await openWorld()
  await world.result(await world.force('unit'))
  await world.state('attached')
  const before = calls().length
  world.agentOf(world.cloud.machines[0]).drop()
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(calls().slice(before, before + 1)).toEqual(['reset'])
  expect(dirty).toEqual([])
})

test('a build that is cut off goes on, and the machine is reset only after it', async () => {
  const work = held()
  const { calls, world } = await openWorld({}, { command: work.command })
  const request = await world.force('unit')
  await world.until('the build', () => work.begun())
  const before = calls().length
  world.agentOf(world.cloud.machines[0]).drop()
  await world.pass(5)
  expect(calls()).toHaveLength(before)
  work.end()
  expect(await world.result(request)).toBe('SUCCESS')
  await world.until('its reset', () => calls().length > before)
})

test.each([
  ['while it takes the snapshot', 'seal'],
  ['while it resets', 'reset'],
] as const)('a master that is killed %s: the next one does it once more', async (_, operation) => {
  const { calls, dirty, world } = await openWorld()
  world.cloud.plan(operation, { hangAfter: true })
  const request = await world.force('unit')
  await world.until('the call', () => calls().includes(operation))
  await world.kill()
  await world.startMaster()
  expect(await world.result(request)).toBe('SUCCESS')
  expect(calls().filter((call) => call === operation).length).toBeGreaterThan(1)
  expect(dirty).toEqual([])
  expect(await world.rows()).toHaveLength(1)
})

test('a master that is killed after a build and before it was noted: the next build finds nothing of it', async () => {
  const { dirty, world } = await openWorld()
  await world.result(await world.force('unit'))
  await world.kill()
  // As if the end of the build were all that was stored.
  await world.database.db
    .updateTable('instances')
    .set({ state: 'busy' })
    .where('state', '<>', 'gone')
    .execute()
  await world.startMaster()
  expect(await world.result(await world.force('unit'), 2000)).toBe('SUCCESS')
  expect(dirty).toEqual([])
})

test('a worker whose machines are from now on reset gets new ones', async () => {
  const world = await LatentWorld.open()
  await world.result(await world.force('unit'))
  await world.state('attached')
  const [old] = world.cloud.machines
  await world.master.configure([world.worker('dock', { reset: 'snapshot' })])
  await world.until('the end of the old one', () => old!.endedAt)
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
})
