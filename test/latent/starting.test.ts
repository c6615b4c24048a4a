import { expect, test } from 'vitest'
import { ambiguous } from '../../workers/fake/fake-fault.ts'
import { builder, LatentWorld } from './latent-world.ts'

const passing = { error: { message: 'connection refused' } }
const times = <T>(n: number, value: T): T[] => Array.from({ length: n }, () => value)

test('two builders that ask one worker at once get one start, and both builds succeed', async () => {
  const world = await LatentWorld.open({
    builders: [builder('unit', 'dock'), builder('lint', 'dock')],
    agentAfter: 3000,
  })
  const requests = await Promise.all([world.force('unit'), world.force('lint')])
  for (const request of requests) expect(await world.result(request)).toBe('SUCCESS')
  expect(await world.rows()).toHaveLength(1)
  expect(world.cloud.calls.filter(({ operation }) => operation === 'start')).toHaveLength(1)
})

test('two idle latent workers and two requests start side by side', async () => {
  const world = await LatentWorld.open({
    workers: { a: {}, b: {} },
    builders: [builder('one', 'a'), builder('two', 'b')],
    agentAfter: 5000,
  })
  const requests = await Promise.all([world.force('one'), world.force('two')])
  await world.until('both machines', () => world.cloud.machines.length === 2, { step: 100 })
  expect([...world.agents.values()].some((agent) => agent.connected)).toBe(false)
  for (const request of requests) expect(await world.result(request)).toBe('SUCCESS')
})

test('a start that fails is tried again after 10, 20, 40 and 80 s; the request says so, and makes no build meanwhile', async () => {
  const world = await LatentWorld.open()
  world.cloud.plan('start', ...times(4, passing))
  const request = await world.force('unit')
  await world.until('the third attempt', () => world.master.why(request)?.includes('attempt 3, next try in'))
  expect(world.master.why(request)).toMatch(
    /^starting dock\/1, attempt 3, next try in \d+ s: connection refused$/,
  )
  expect(await world.builds(request)).toEqual([])
  expect(await world.result(request)).toBe('SUCCESS')
  const starts = world.cloud.calls.filter(({ operation }) => operation === 'start').map(({ at }) => at)
  const gaps = starts.slice(1).map((at, i) => Math.floor((at - starts[i]!) / 10_000) * 10)
  expect(gaps).toEqual([10, 20, 40, 80])
  expect(await world.builds(request)).toHaveLength(1)
})

test('after maxStartAttempts failed starts the request ends in EXCEPTION, says why, and nothing is left', async () => {
  const world = await LatentWorld.open()
  world.cloud.chance = (operation) => (operation === 'start' ? passing : undefined)
  const request = await world.force('unit')
  expect(await world.result(request, 2000)).toBe('EXCEPTION')
  expect(world.cloud.calls.filter(({ operation }) => operation === 'start')).toHaveLength(5)
  const { db } = world.database
  const row = await db.selectFrom('requests').selectAll().where('id', '=', request).executeTakeFirstOrThrow()
  expect(row).toMatchObject({
    start_attempts: 5,
    start_failure: expect.stringContaining('connection refused'),
  })
  expect(await world.builds(request)).toEqual([])
  await world.empty()
})

test('a template that is refused ends its requests at once, and hurts no other request of the worker', async () => {
  const world = await LatentWorld.open({
    workers: {
      dock: { template: (p) => (p.get('image') === 'bad' ? { reject: 'there is no image "bad"' } : {}) },
    },
  })
  const begun = world.clock.now()
  const [bad, good] = [await world.force('unit', { image: 'bad' }), await world.force('unit')]
  expect(await world.result(bad)).toBe('EXCEPTION')
  expect(world.clock.now() - begun).toBeLessThan(30_000)
  expect(await world.result(good)).toBe('SUCCESS')
  expect(await world.builds(bad)).toEqual([])
})

test('requests of a template that one worker refuses go to the other one', async () => {
  const world = await LatentWorld.open({
    workers: { first: { template: { reject: 'wrong' } }, second: {} },
  })
  const request = await world.force('unit')
  expect(await world.result(request)).toBe('SUCCESS')
  expect((await world.builds(request))[0]!.instance_id).toContain('second')
})

test('when the provider has no room nobody is blamed, and the request waits until there is some', async () => {
  const world = await LatentWorld.open({ cloud: { capacity: 0 } })
  const request = await world.force('unit')
  await world.until('the back-off', () => world.master.why(request)?.includes('tries again in'))
  expect(world.master.why(request)).toMatch(/dock tries again in \d+ s: there is room for 0 machines only/)
  await world.pass(300, 5)
  const { db } = world.database
  const row = await db.selectFrom('requests').selectAll().where('id', '=', request).executeTakeFirstOrThrow()
  expect(row).toMatchObject({ state: 'pending', start_attempts: 0 })
  world.cloud.capacity = 1
  expect(await world.result(request)).toBe('SUCCESS')
})

test('a request whose worker has no room goes to the next worker of its builder', async () => {
  const world = await LatentWorld.open({ workers: { first: {}, second: {} } })
  world.cloud.plan('start', { error: { code: 'CAPACITY', message: 'full' } })
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(world.clock.now()).toBeGreaterThan(0)
  expect((await world.rows()).map(({ id }) => id)).toEqual([
    expect.stringContaining('first'),
    expect.stringContaining('second'),
  ])
})

test('a start that worked although its call failed makes one machine, not two', async () => {
  const world = await LatentWorld.open({ agentAfter: 60_000 })
  world.cloud.plan('start', ambiguous)
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(world.agents.size).toBe(1)
  expect(world.cloud.machines).toHaveLength(1)
})

test('an agent that connects before the answer to start is taken', async () => {
  const world = await LatentWorld.open()
  world.cloud.plan('start', { hangAfter: true })
  expect(await world.result(await world.force('unit'), 200)).toBe('SUCCESS')
  await world.empty(5000)
})

test('an agent that connects although start is said to have failed is taken', async () => {
  const world = await LatentWorld.open({ agentAfter: 2000 })
  world.cloud.plan('start', ambiguous)
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(world.cloud.calls.filter(({ operation }) => operation === 'start')).toHaveLength(1)
})

test('an agent that drops during the start and comes back is taken', async () => {
  const world = await LatentWorld.open({ agentAfter: 1000 })
  const request = await world.force('unit')
  await world.until('the machine', () => world.cloud.machines[0], { step: 100 })
  world.agentOf(world.cloud.machines[0]).drop()
  expect(await world.result(request)).toBe('SUCCESS')
})

test('an instance whose agent never comes ends at startTimeout, and another one is tried', async () => {
  const world = await LatentWorld.open({ agentAfter: Infinity, workers: { dock: { startTimeout: '2m' } } })
  const request = await world.force('unit')
  await world.until('its end', () => world.agents.size === 1 && world.cloud.machines.length === 0, {
    step: 1000,
  })
  const [late] = world.agents.values()
  world.agentAfter = 0
  expect(await world.result(request)).toBe('SUCCESS')
  expect(world.agents.size).toBe(2)
  expect((await world.rows())[0]!.stop_reason).toBe('its agent did not come within 120 s')
  // What wakes up after it was given up is not let in.
  expect(late!.connected).toBe(false)
})

test('an agent that comes after its instance was given up is refused', async () => {
  const world = await LatentWorld.open({ agentAfter: Infinity, workers: { dock: { startTimeout: '1m' } } })
  world.cloud.plan('stop', { delay: 40_000 })
  await world.force('unit')
  const machine = await world.until('the machine', () => world.cloud.machines[0], { step: 100 })
  await world.state('stopping', 1000)
  expect(await world.agentOf(machine).connect(world.master)).toBe(false)
  expect(world.agentOf(machine).refusal).toBe('this instance is being stopped')
})

test('a machine that ends by itself while it starts is known at the next list, with its last words', async () => {
  const world = await LatentWorld.open({ agentAfter: Infinity })
  world.cloud.plan('start', { crash: 'exec format error' })
  const begun = world.clock.now()
  await world.force('unit')
  await world.until('the second machine', async () => (await world.rows()).length === 2)
  expect(world.clock.now() - begun).toBeLessThan(60_000)
  expect((await world.rows())[0]!.stop_reason).toBe('exec format error')
})

test('a machine that vanishes at once is started again under the same id', async () => {
  const world = await LatentWorld.open({ cloud: { listLag: 5 } })
  world.cloud.plan('start', { vanish: true })
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(await world.rows()).toHaveLength(1)
})

test('a machine that appears late in the lists is not started twice', async () => {
  const world = await LatentWorld.open({ agentAfter: 90_000, cloud: { listLag: 30 } })
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(world.agents.size).toBe(1)
  await world.empty(5000)
})

test('two machines with one id are both ended, and the request gets a proper one', async () => {
  const world = await LatentWorld.open({ agentAfter: 20_000 })
  world.cloud.plan('start', { twice: true })
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect((await world.rows())[0]!.stop_reason).toBe('there are 2 machines with its id')
  expect(world.cloud.machines).toHaveLength(1)
})

test('a start that hangs is given up at its deadline and tried again', async () => {
  const world = await LatentWorld.open()
  world.cloud.plan('start', { hang: true })
  expect(await world.result(await world.force('unit'), 2000)).toBe('SUCCESS')
  expect(world.cloud.machines).toHaveLength(1)
})

test('a request that is cancelled while its instance starts ends CANCELLED, and the instance is stopped', async () => {
  const world = await LatentWorld.open({ agentAfter: 60_000 })
  const request = await world.force('unit')
  await world.until('the machine', () => world.cloud.machines[0], { step: 100 })
  await world.master.builds.cancelRequest(request, { reason: 'not needed' })
  expect(await world.result(request)).toBe('CANCELLED')
  await world.until('its end', () => world.cloud.machines.length === 0, { step: 100 })
  await world.empty()
  expect((await world.rows())[0]!.stop_reason).toBe('nobody waits for it any more')
  expect(await world.builds(request)).toEqual([])
})

test('a request that is cancelled while the start call hangs stops it without waiting for the call', async () => {
  const world = await LatentWorld.open()
  world.cloud.plan('start', { hangAfter: true })
  world.agentAfter = Infinity
  const request = await world.force('unit')
  await world.until('the machine', () => world.cloud.machines[0], { step: 100 })
  const begun = world.clock.now()
  await world.master.builds.cancelRequest(request, { reason: 'not needed' })
  await world.until('its end', () => world.cloud.machines.length === 0, { step: 500 })
  expect(world.clock.now() - begun).toBeLessThan(30_000)
  await world.empty()
})

test('an instance that somebody else waits for as well is kept when one request is cancelled', async () => {
  const world = await LatentWorld.open({ agentAfter: 20_000 })
  const [first, second] = [await world.force('unit'), await world.force('unit')]
  await world.until('the machine', () => world.cloud.machines[0], { step: 100 })
  await world.master.builds.cancelRequest(first, { reason: 'not needed' })
  expect(await world.result(second)).toBe('SUCCESS')
  expect(await world.rows()).toHaveLength(1)
})
