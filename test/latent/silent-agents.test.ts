import { expect, test } from 'vitest'
import { held, LatentWorld } from './latent-world.ts'

test('an old machine that hangs on to its connection does not disturb the next one', async () => {
  const world = await LatentWorld.open({
    workers: { dock: { buildWaitTimeout: 0 } },
    command: async (_, machine) => {
      world.agentOf(machine).hangsOn = true
      return 0
    },
  })
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  const [old] = world.agents.values()
  const hold = held()
  world.command = hold.command
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  expect([old!.connected, old!.signal.aborted]).toEqual([true, true])
  old!.drop()
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  expect(await world.builds(request)).toHaveLength(1)
})

test('a machine whose start has not answered by startTimeout is given up, and its request gets another one', async () => {
  const world = await LatentWorld.open({ workers: { dock: { startTimeout: 60 } }, agentAfter: Infinity })
  world.cloud.plan('start', { hangAfter: true })
  const request = await world.force('unit')
  await world.state('stopping', 1000)
  world.agentAfter = 0
  expect(await world.result(request)).toBe('SUCCESS')
  expect((await world.rows())[0]!.stop_reason).toContain('it was not started within 60 s')
})

test('lists that show nothing new do no harm, however many there are', async () => {
  const hold = held()
  const world = await LatentWorld.open({ command: hold.command })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  const [before] = await world.rows()
  await world.pass(500, 5)
  const lists = world.cloud.calls.filter(({ operation }) => operation === 'list')
  expect(lists.length).toBeGreaterThan(20)
  expect(await world.rows()).toEqual([before])
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
})

test('with a negative buildWaitTimeout an agent that drops and comes back is used again', async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: -1 } } })
  await world.result(await world.force('unit'))
  const agent = world.agentOf(world.cloud.machines[0])
  agent.drop()
  await world.until('its return', () => agent.connected)
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(world.agents.size).toBe(1)
})

test('an agent that drops and comes back while its instance stops is refused, and the next request gets a new one', async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: 0 } } })
  world.cloud.plan('stop', { delay: 30_000 })
  await world.result(await world.force('unit'))
  await world.state('stopping')
  const [machine] = world.cloud.machines
  const agent = world.agentOf(machine)
  agent.drop()
  expect(await agent.connect(world.master)).toBe(false)
  expect(agent.refusal).toBe('this instance is being stopped')
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
})

test('with a negative buildWaitTimeout a master that is stopped ends its idle instance', async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: -1 } } })
  await world.result(await world.force('unit'))
  await world.stop()
  expect(world.cloud.machines).toEqual([])
  await world.startMaster()
  await world.empty()
})

test('a worker that is paused while its template backs off stays paused when that is over', async () => {
  const world = await LatentWorld.open()
  world.cloud.plan('start', { error: { code: 'CAPACITY', message: 'full' } })
  const request = await world.force('unit')
  await world.until('the back-off', () => world.master.why(request)?.includes('tries again in'))
  const by = { reason: null, by: 'alice', until: null }
  await world.master.admin.set('dock', { state: 'paused', ...by })
  await world.pass(100)
  expect(world.agents.size).toBe(0)
  await world.master.admin.set('dock', { state: 'active', ...by })
  expect(await world.result(request)).toBe('SUCCESS')
})

test('a request of another template waits for the idle time of nobody', async () => {
  const world = await LatentWorld.open({
    workers: { dock: { buildWaitTimeout: 3600, template: (p) => ({ image: String(p.get('image')) }) } },
  })
  await world.result(await world.force('unit', { image: 'a' }))
  const begun = world.clock.now()
  const request = await world.force('unit', { image: 'b' })
  expect(await world.builds(request)).toEqual([])
  expect(await world.result(request)).toBe('SUCCESS')
  expect(world.clock.now() - begun).toBeLessThan(300_000)
})
