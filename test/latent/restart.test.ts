import { expect, test } from 'vitest'
import type { InstanceSpec } from '../../src/latent/backend.ts'
import type { FakeTemplate } from '../../workers/fake/index.ts'
import { cluster } from './latent-core.ts'
import { held, LatentWorld } from './latent-world.ts'

const specOf = (id: string): InstanceSpec<FakeTemplate> => ({
  id,
  worker: 'dock',
  name: 'dock/9',
  template: {},
  generation: 1,
  token: 'nobody knows',
  agent: { file: '', sha256: '', masters: [] },
  expiresAt: new Date(0),
})

test('an instance that started while no master ran is adopted when its agent comes', async () => {
  const world = await LatentWorld.open({ agentAfter: 5000 })
  const request = await world.force('unit')
  await world.until('the machine', () => world.cloud.machines[0], { step: 100 })
  await world.kill()
  await world.pass(60)
  await world.startMaster()
  expect(await world.result(request)).toBe('SUCCESS')
  expect(world.agents.size).toBe(1)
})

test('a start that was stored and never asked for is asked for by the next master, under the same id', async () => {
  const world = await LatentWorld.open()
  world.cloud.plan('start', { hang: true })
  const request = await world.force('unit')
  await world.state('requested', 50)
  await world.kill()
  await world.startMaster()
  expect(await world.result(request)).toBe('SUCCESS')
  expect(await world.rows()).toHaveLength(1)
})

test('a stop that was stored and never carried out is carried out by the next master', async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: 0 } } })
  world.cloud.plan('stop', { hang: true })
  await world.result(await world.force('unit'))
  await world.state('stopping')
  await world.kill()
  expect(world.cloud.machines).toHaveLength(1)
  await world.startMaster()
  await world.empty()
})

test("a build goes on with its instance's agent at another master, which need not wait for the dead one's lease", async () => {
  const hold = held()
  const world = await LatentWorld.open({ command: hold.command, only: false })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  await world.kill()
  await world.startMaster({ only: false })
  await world.pass(5)
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  expect(await world.builds(request)).toHaveLength(1)
  expect(world.agents.size).toBe(1)
  const { rows } = await world.database.pool.query('select 1 from masters where lease_until < now()')
  expect(rows).toEqual([])
})

test('a build goes on although no master ran for longer than any deadline of its instance', async () => {
  const hold = held()
  const world = await LatentWorld.open({ command: hold.command })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  await world.kill()
  await world.pass(2000, 20)
  await world.startMaster()
  await world.pass(5)
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  expect(hold.begun()).toBe(1)
  expect(await world.builds(request)).toHaveLength(1)
})

test('an agent that came while no master ran is taken, although startTimeout is over', async () => {
  const world = await LatentWorld.open({ agentAfter: 60_000, workers: { dock: { startTimeout: '5m' } } })
  const request = await world.force('unit')
  await world.state('starting', 100)
  await world.kill()
  await world.pass(1000, 10)
  await world.startMaster()
  expect(await world.result(request)).toBe('SUCCESS')
  expect(world.agents.size).toBe(1)
})

test('a machine that vanished with its build while no master ran: the build is retried', async () => {
  const hold = held()
  const world = await LatentWorld.open({ command: hold.command })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  await world.kill()
  world.cloud.remove(world.cloud.machines[0]!)
  await world.startMaster()
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  expect(await world.builds(request)).toMatchObject([{ result: 'RETRY' }, { result: 'SUCCESS' }])
})

test('the back-off of a template holds over a restart, and ends with a good build', async () => {
  const world = await LatentWorld.open({ workers: { dock: { maxStartAttempts: 1 } } })
  const failing = { error: { code: 'CAPACITY' as const, message: 'full' } }
  world.cloud.plan('start', failing, failing, failing)
  const request = await world.force('unit')
  await world.until('the third failure', async () => {
    const row = await world.database.db.selectFrom('start_backoffs').selectAll().executeTakeFirst()
    return row?.failures === 3
  })
  await world.kill()
  await world.startMaster()
  const calls = world.cloud.calls.length
  await world.pass(30)
  expect(world.cloud.calls.slice(calls).filter(({ operation }) => operation === 'start')).toEqual([])
  expect(await world.result(request)).toBe('SUCCESS')
  await world.until('the end of the back-off', async () => {
    const rows = await world.database.db.selectFrom('start_backoffs').selectAll().execute()
    return rows.length === 0
  })
})

test('an instance with our stamp that no row knows is ended after two lists and a grace', async () => {
  const world = await LatentWorld.open({ orphanGrace: 120 })
  const orphan = world.cloud.add(specOf('rouse-orphan'), cluster)
  await world.pass(100)
  expect(orphan.signal.aborted).toBe(false)
  await world.until('its end', () => orphan.signal.aborted, { step: 1000 })
  expect(world.master.latent.orphansStopped).toBe(1)
})

test("another cluster's instances are never touched, and are warned of once", async () => {
  const world = await LatentWorld.open()
  const strangers = [1, 2].map((n) => world.cloud.add(specOf(`rouse-stranger-${n}`), 'another'))
  await world.result(await world.force('unit'))
  await world.master.latent.reap({ dryRun: false })
  await world.pass(1000, 10)
  expect(strangers.map(({ signal }) => signal.aborted)).toEqual([false, false])
  const warnings = world.master.logged.filter(({ msg }) => msg.includes('instances of another cluster'))
  expect(warnings).toHaveLength(1)
  expect(world.cloud.calls.filter(({ id }) => id?.includes('stranger'))).toEqual([])
})

test('reap ends orphans at once; with dryRun it only says what it would end', async () => {
  const world = await LatentWorld.open()
  const orphan = world.cloud.add(specOf('rouse-orphan'), cluster)
  world.clock.advance(1000)
  const said = await world.master.latent.reap({ dryRun: true })
  expect(said.map(({ instance }) => instance.id)).toEqual(['rouse-orphan'])
  expect(orphan.signal.aborted).toBe(false)
  world.clock.advance(1000)
  await world.master.latent.reap({ dryRun: false })
  expect(orphan.signal.aborted).toBe(true)
})

test('what is gone by the ledger and comes back to life is ended', async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: 0 } } })
  await world.result(await world.force('unit'))
  await world.empty()
  const [row] = await world.rows()
  world.agentAfter = Infinity
  const zombie = world.cloud.add(specOf(row!.id), cluster)
  expect(await world.until('its end', () => zombie.signal.aborted, { step: 2000 })).toBe(true)
})

test('while lists fail nothing is taken to be gone, and running builds go on', async () => {
  const hold = held()
  const world = await LatentWorld.open({ command: hold.command })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  world.cloud.chance = (operation) =>
    operation === 'list' ? { error: { message: 'gateway timeout' } } : undefined
  const from = world.clock.now()
  await world.pass(500, 5)
  // Since the first of them.
  const [trouble] = world.master.latent.troubles
  expect(trouble).toMatchObject({ message: expect.stringContaining('gateway timeout') })
  expect(trouble!.since.getTime()).toBeLessThan(from + 100_000)
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  expect(hold.begun()).toBe(1)
  world.cloud.chance = () => undefined
  await world.empty(5000)
  expect(world.master.latent.troubles).toEqual([])
  expect(world.master.logged.filter(({ msg }) => msg.includes('cannot be listed'))).toHaveLength(1)
})

test('a throttled provider slows the engine down, and loses nothing', async () => {
  const world = await LatentWorld.open({
    workers: { dock: { buildWaitTimeout: 0, instances: { max: 4 } } },
    cloud: { callsPerSecond: 3 },
  })
  const requests = await Promise.all(Array.from({ length: 10 }, () => world.force('unit')))
  for (const request of requests) {
    expect(await world.result(request)).toBe('SUCCESS')
    expect(await world.builds(request)).toHaveLength(1)
  }
  const { calls } = world.cloud
  const throttled = calls.filter(({ outcome }) => outcome === 'failed').length
  expect(throttled).toBeGreaterThan(0)
  expect(throttled).toBeLessThan(calls.length / 2)
  world.cloud.callsPerSecond = Infinity
  await world.empty()
})
