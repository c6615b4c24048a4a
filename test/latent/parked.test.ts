import { expect, test } from 'vitest'
import { costsByDay } from '../../src/db/costs.ts'
import { utcDays } from '../../src/model/cost.ts'
import type { FakeFault } from '../../workers/fake/index.ts'
import { builder, LatentWorld, type LatentWorldOptions } from './latent-world.ts'

const adminOf = (state: 'active' | 'paused' | 'draining') => ({
  state,
  reason: null,
  by: 'test',
  until: null,
})

/** A world whose idle machines are stopped, and whose builds leave something on their disk. */
async function openWorld(options: object = {}, more: LatentWorldOptions = {}) {
  const found: string[][] = []
  const world = await LatentWorld.open({
    workers: { dock: { idle: 'stop', buildWaitTimeout: 20, startTimeout: 60, ...options } },
    ...more,
    command: async ({ command }, machine) => {
      found.push([...machine.disk])
      machine.disk.add(command)
      return 0
    },
  })
  const calls = () =>
    world.cloud.calls.filter(({ operation }) => operation !== 'list').map(({ operation }) => operation)
  const build = async () => world.result(await world.force('unit'), 1000)
  return { world, found, calls, build }
}

test('an idle machine is stopped, and woken with what is on its disk when a build wants it', async () => {
  const { build, calls, found, world } = await openWorld()
  expect(await build()).toBe('SUCCESS')
  await world.state('parked')
  const [machine] = world.cloud.machines
  expect(machine!.off).toBe(true)
  await world.pass(3600, 20)
  expect(calls()).toEqual(['start', 'park'])
  expect(await build()).toBe('SUCCESS')
  expect(calls()).toEqual(['start', 'park', 'reset'])
  expect(world.cloud.machines).toEqual([machine])
  expect(found[1]).toHaveLength(1)
  expect(await world.rows()).toMatchObject([{ generation: 2, builds: 2, parkings: 1 }])
  await world.state('parked')
})

test('its agent is not asked to end, and is refused while it is parked', async () => {
  const { build, world } = await openWorld()
  await build()
  world.cloud.plan('park', { delay: 5000 })
  await world.state('parking', 100)
  const agent = world.agentOf(world.cloud.machines[0])
  expect(agent.received.map(({ type }) => type)).not.toContain('retire')
  // As when the shutdown of the machine ends it.
  agent.wantToEnd()
  agent.drop()
  await world.until('its refusal', () => agent.refusal?.includes('parked'), { step: 100 })
  await world.state('parked')
})

test('a request that comes while a machine is being stopped waits for it, and no other one is started', async () => {
  const { build, calls, world } = await openWorld({ instances: { max: 3 } })
  await build()
  world.cloud.plan('park', { delay: 10_000 })
  await world.state('parking', 100)
  const request = await world.force('unit')
  await world.pass(2)
  expect(world.master.why(request)).toContain('is being parked')
  expect(await world.result(request)).toBe('SUCCESS')
  expect(calls().slice(0, 3)).toEqual(['start', 'park', 'reset'])
})

const faults: [string, FakeFault][] = [
  ['fails', { error: { message: 'the provider is away' } }],
  ['has worked, and its answer was lost', { done: true, error: { message: 'the answer was lost' } }],
  ['hangs', { hang: true }],
  ['hangs when it is done', { hangAfter: true }],
]

test.each(faults)(
  'a stop for later that %s: the machine is ended, and nothing of it is left',
  async (_, fault) => {
    const { build, world } = await openWorld()
    await build()
    world.cloud.plan('park', fault)
    await world.empty(5000)
    expect(await build()).toBe('SUCCESS')
  },
)

test.each(faults)(
  'a wake that %s: the machine is ended, and the build gets a fresh one',
  async (_, fault) => {
    const { build, found, world } = await openWorld()
    await build()
    await world.state('parked')
    world.cloud.plan('reset', fault)
    expect(await build()).toBe('SUCCESS')
    expect(found[1]).toEqual([])
    await world.until('the end of the old one', () => world.cloud.machines.length === 1)
    const { db } = world.database
    expect(await db.selectFrom('start_backoffs').selectAll().execute()).toEqual([])
  },
)

test('a machine whose agent does not come back is ended after startTimeout, and replaced', async () => {
  const { build, world } = await openWorld()
  await build()
  await world.state('parked')
  world.agentAfter = Infinity
  const request = await world.force('unit')
  await world.state('resetting')
  await world.state('stopping', 1000)
  world.agentAfter = 0
  expect(await world.result(request)).toBe('SUCCESS')
  const [first] = await world.rows()
  expect(first!.stop_reason).toBe('it was woken, and its agent did not come within 60 s')
})

test('a machine that somebody starts while it is parked is ended', async () => {
  const { build, world } = await openWorld()
  await build()
  await world.state('parked')
  const [machine] = world.cloud.machines
  machine!.off = false
  await world.empty()
  const [row] = await world.rows()
  expect(row!.stop_reason).toBe('its machine runs although nothing has woken it')
})

test('a parked machine that vanishes is noticed, and one that somebody stops while it lives is ended', async () => {
  const { build, world } = await openWorld({}, { cloud: { listLag: 3 } })
  await build()
  await world.state('parked')
  world.cloud.remove(world.cloud.machines[0]!)
  await world.empty()
  await build()
  world.cloud.machines[0]!.park()
  world.agentOf(world.cloud.machines[0]).drop()
  await world.empty()
  expect((await world.rows())[1]!.stop_reason).toBe('it is shut down')
})

test('one that is too old is ended although it is parked', async () => {
  const { build, world } = await openWorld({ instances: { maxAge: 300 } })
  await build()
  await world.state('parked')
  await world.empty()
  expect((await world.rows())[0]!.stop_reason).toBe('it is older than 300 s')
})

test.each(['parking', 'parked', 'resetting'] as const)(
  'a master that is killed while a machine is %s: the next one goes on with the same machine',
  async (state) => {
    const { build, found, world } = await openWorld()
    await build()
    if (state === 'parking') world.cloud.plan('park', { hang: true })
    else await world.state('parked')
    if (state === 'resetting') {
      world.cloud.plan('reset', { hangAfter: true })
      await world.force('unit')
    }
    await world.state(state)
    await world.kill()
    await world.startMaster()
    if (state === 'parking') await world.state('parked')
    expect(await build()).toBe('SUCCESS')
    expect(await world.rows()).toMatchObject([{ number: 1 }])
    expect(found.at(-1)!.length).toBeGreaterThan(0)
    await world.state('parked')
    expect(world.cloud.machines).toHaveLength(1)
  },
)

test('parked machines end with their worker, with a drain, with a changed template, and with the master', async () => {
  const ends: Record<string, (world: LatentWorld) => Promise<unknown>> = {
    removed: (world) => world.master.configure([], []),
    drained: (world) => world.master.admin.set('dock', adminOf('draining')),
    changed: (world) =>
      world.master.configure([world.worker('dock', { idle: 'stop', template: { image: 'b' } })]),
    'without idle': (world) => world.master.configure([world.worker('dock', { buildWaitTimeout: 20 })]),
    stopped: (world) => world.stop(),
  }
  for (const [name, end] of Object.entries(ends)) {
    const { build, world } = await openWorld()
    await build()
    await world.state('parked')
    await end(world)
    await world.until(`the end of one that is ${name}`, () => world.cloud.machines.length === 0)
    expect((await world.rows())[0]).toMatchObject({ parkings: 1, builds: 1 })
  }
})

test('a master that keeps its instances leaves parked ones to the next, and a paused worker wakes none', async () => {
  const { build, world } = await openWorld({ onShutdown: 'keep' })
  await build()
  await world.state('parked')
  await world.stop()
  await world.startMaster()
  await world.master.admin.set('dock', adminOf('paused'))
  const request = await world.force('unit')
  await world.pass(30)
  expect(world.cloud.machines[0]!.off).toBe(true)
  await world.master.admin.set('dock', adminOf('active'))
  expect(await world.result(request)).toBe('SUCCESS')
  expect(await world.rows()).toHaveLength(1)
})

test('one of minIdle is not parked, and the others are', async () => {
  const { world } = await openWorld({ instances: { max: 2, minIdle: 1 } })
  const requests = [await world.force('unit'), await world.force('unit')]
  for (const request of requests) await world.result(request)
  await world.state('parked')
  await world.pass(100)
  expect(world.cloud.machines).toHaveLength(2)
  expect(world.cloud.machines.filter(({ off }) => off)).toHaveLength(1)
})

test('a parked machine of another template makes room', async () => {
  const { world } = await openWorld(
    {},
    {
      workers: {
        dock: {
          idle: 'stop',
          buildWaitTimeout: 20,
          template: (properties) => ({ image: String(properties.get('image', 'a')) }),
        },
      },
      builders: [builder('unit', 'dock')],
    },
  )
  await world.result(await world.force('unit'))
  await world.state('parked')
  expect(await world.result(await world.force('unit', { image: 'b' }))).toBe('SUCCESS')
  const [row] = await world.rows()
  expect(row!.stop_reason).toBe('it makes room for another template')
})

test('parked time costs nothing, on whichever day it was', async () => {
  const { build, world } = await openWorld({ pricePerHour: 3.6, instances: { maxAge: '7d' } })
  await build()
  await world.state('parked')
  await world.pass(86_400 * 2, 600)
  await build()
  const now = world.clock.now()
  const [row] = await world.rows()
  const days = utcDays(now, 4)
  const costs = await costsByDay(world.database.db, { days, now: new Date(now) })
  const spent = costs.reduce((sum, { seconds }) => sum + seconds, 0)
  const awake = (now - row!.created_at.getTime()) / 1000 - 86_400 * 2
  // Steps of time are coarse, days are not.
  expect(spent).toBeLessThan(awake + 1800)
  expect(spent).toBeGreaterThan(20)
  expect(costs.every(({ seconds }) => seconds >= 0)).toBe(true)
})
