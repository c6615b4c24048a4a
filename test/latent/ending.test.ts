import { expect, test } from 'vitest'
import { held, LatentWorld } from './latent-world.ts'

test('with a negative buildWaitTimeout an instance is not stopped for idleness', async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: -1 } } })
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  await world.pass(20_000, 60)
  expect(world.cloud.machines).toHaveLength(1)
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(await world.rows()).toHaveLength(1)
})

test('an instance is never stopped during a build, however long that takes', async () => {
  const hold = held()
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: 5 } }, command: hold.command })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  await world.pass(3000, 20)
  expect(world.cloud.machines).toHaveLength(1)
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  await world.empty()
})

test('a build in between begins the idle time anew', async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: 100 } } })
  await world.result(await world.force('unit'))
  await world.pass(80)
  await world.result(await world.force('unit'))
  await world.pass(80)
  expect(world.cloud.machines).toHaveLength(1)
  await world.empty()
  expect(await world.rows()).toHaveLength(1)
})

test('a build that comes while an instance stops waits for the next one', async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: 10 } } })
  await world.result(await world.force('unit'))
  world.cloud.plan('stop', { delay: 30_000 })
  await world.state('stopping')
  const request = await world.force('unit')
  await world.until('the reason', () => world.master.why(request)?.includes('being stopped'), { step: 100 })
  expect(await world.result(request)).toBe('SUCCESS')
  expect(await world.rows()).toHaveLength(2)
})

test('a stop that fails is tried again until the machine is gone, and holds up only its own place', async () => {
  const world = await LatentWorld.open({
    workers: { dock: { buildWaitTimeout: 0, instances: { max: 2 } } },
  })
  let first: string | undefined
  world.cloud.chance = (operation, id) => {
    if (operation !== 'stop') return undefined
    first ??= id
    return id === first ? { error: { message: 'internal error' } } : undefined
  }
  await world.result(await world.force('unit'))
  const [machine] = world.cloud.machines
  const stops = () =>
    world.cloud.calls.filter(({ id, operation }) => operation === 'stop' && id === first).length
  await world.until('another try', () => stops() >= 2)
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(machine!.signal.aborted).toBe(false)
  expect((await world.rows()).map(({ number }) => number)).toEqual([1, 2])
  world.cloud.chance = () => undefined
  await world.empty()
})

test('a stop that hangs is given up at its deadline and tried again', async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: 0 } } })
  world.cloud.plan('stop', { hang: true }, { hang: true })
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  await world.empty(2000)
})

test('a machine that lists still show after its stop is gone only once two lists do not', async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: 0 } }, cloud: { listLag: 20 } })
  await world.result(await world.force('unit'))
  await world.until('its end', () => world.cloud.machines.length === 0)
  const ended = world.clock.now()
  await world.empty()
  expect(world.clock.now() - ended).toBeGreaterThanOrEqual(20_000)
})

test('an idle machine that vanishes is known to be gone, and the next build gets a new one', async () => {
  const world = await LatentWorld.open()
  await world.result(await world.force('unit'))
  world.cloud.remove(world.cloud.machines[0]!)
  await world.until('the ledger to know', async () => (await world.rows())[0]!.state === 'gone')
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(await world.rows()).toHaveLength(2)
})

test('a build whose machine vanishes is retried on another one', async () => {
  const hold = held()
  const world = await LatentWorld.open({ command: hold.command })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  world.cloud.remove(world.cloud.machines[0]!)
  await world.until('the second command', () => hold.begun() === 2)
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  expect(await world.builds(request)).toMatchObject([{ result: 'RETRY' }, { result: 'SUCCESS', attempt: 2 }])
})

test('a machine that ends by itself in a build is known at the next list', async () => {
  const hold = held()
  const world = await LatentWorld.open({ command: hold.command })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  const begun = world.clock.now()
  world.cloud.machines[0]!.fail('out of memory')
  await world.until('the second command', () => hold.begun() === 2)
  expect(world.clock.now() - begun).toBeLessThan(60_000)
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  expect((await world.rows())[0]!.stop_reason).toBe('out of memory')
})

test('a busy instance whose agent is away is waited for, and stopped after maxDisconnected', async () => {
  const hold = held()
  const world = await LatentWorld.open({ command: hold.command, maxDisconnected: 300 })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  const agent = world.agentOf(world.cloud.machines[0])
  agent.drop()
  await world.until('its return', () => agent.connected, { step: 100 })
  expect(hold.begun()).toBe(1)
  agent.connect = async () => false
  agent.drop()
  await world.pass(280, 5)
  expect(hold.begun()).toBe(1)
  await world.until('the second command', () => hold.begun() === 2, { step: 2000 })
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  expect((await world.rows())[0]!.stop_reason).toBe('its agent has been away for too long')
})

test('an idle agent is asked before its machine ends, and has 30 s to say yes', async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: 10 } } })
  await world.result(await world.force('unit'))
  const agent = world.agentOf(world.cloud.machines[0])
  agent.stubborn = true
  const isAsked = () => agent.received.some(({ type }) => type === 'retire')
  await world.until('the question', isAsked, { step: 200 })
  const asked = world.clock.now()
  expect(world.cloud.machines).toHaveLength(1)
  await world.until('its end', () => world.cloud.machines.length === 0, { step: 500 })
  expect(world.clock.now() - asked).toBeGreaterThanOrEqual(29_000)
})

test('an agent that wants to end by itself gets no more builds, and its instance ends', async () => {
  const world = await LatentWorld.open()
  await world.result(await world.force('unit'))
  const [machine] = world.cloud.machines
  world.agentOf(machine).wantToEnd()
  const request = await world.force('unit')
  await world.until('its end', () => machine!.signal.aborted)
  expect(await world.result(request)).toBe('SUCCESS')
  const [build] = await world.builds(request)
  expect(build!.instance_id).not.toBe(machine!.id)
})

test('after maxBuildsPerInstance builds an instance is replaced', async () => {
  const world = await LatentWorld.open({ workers: { dock: { instances: { maxBuildsPerInstance: 2 } } } })
  for (let i = 0; i < 4; i++) expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect((await world.rows()).map(({ builds }) => builds)).toEqual([2, 2])
})

test('an instance that is older than maxAge takes no more builds, and finishes what it has', async () => {
  const hold = held()
  const world = await LatentWorld.open({
    workers: { dock: { buildWaitTimeout: -1, instances: { maxAge: '1h' } } },
    command: hold.command,
  })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  await world.pass(4000, 20)
  expect(world.cloud.machines).toHaveLength(1)
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  await world.empty()
  expect((await world.rows())[0]!.stop_reason).toBe('it is older than 3600 s')
})

test('a cancelled build ends, and its instance goes on', async () => {
  const hold = held()
  const world = await LatentWorld.open({ command: hold.command })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  await world.master.builds.cancelRequest(request, { reason: 'enough' })
  expect(await world.result(request)).toBe('CANCELLED')
  world.command = async () => 0
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(await world.rows()).toHaveLength(1)
})

test('a master that is stopped ends idle instances and keeps busy ones', async () => {
  const hold = held()
  const world = await LatentWorld.open({ workers: { dock: { instances: { max: 2, minIdle: 1 } } } })
  await world.result(await world.force('unit'))
  world.command = hold.command
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  await world.until('the idle one', () => world.cloud.machines.length === 2)
  await world.stop()
  expect(world.cloud.machines).toHaveLength(1)
  await world.startMaster()
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  expect(hold.begun()).toBe(1)
})

test.for([
  ['stop', 0, 2],
  ['keep', 1, 1],
] as const)('onShutdown %s leaves %d machines', async ([onShutdown, left, commands]) => {
  const hold = held()
  const world = await LatentWorld.open({ workers: { dock: { onShutdown } }, command: hold.command })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  await world.stop()
  expect(world.cloud.machines).toHaveLength(left)
  await world.startMaster()
  await world.until('the commands', () => hold.begun() === commands)
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  expect(hold.begun()).toBe(commands)
})

test('an idle instance is kept over a restart where the config says so', async () => {
  const world = await LatentWorld.open({ workers: { dock: { onShutdown: 'keep' } } })
  await world.result(await world.force('unit'))
  await world.stop()
  await world.startMaster()
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(world.agents.size).toBe(1)
})
