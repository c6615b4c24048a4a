import { expect, test } from 'vitest'
import { held, LatentWorld } from './latent-world.ts'

test.for(['requested', 'starting', 'busy', 'stopping'] as const)(
  'a worker that leaves the config while its instance is %s leaves nothing behind',
  async (when) => {
    const hold = held()
    const agentAfter = when === 'starting' ? 60_000 : 0
    const workers = { dock: { buildWaitTimeout: 0 } }
    const world = await LatentWorld.open({ agentAfter, workers, command: hold.command })
    if (when === 'requested') world.cloud.plan('start', { delay: 60_000 })
    const request = await world.force('unit')
    if (when === 'busy' || when === 'stopping') await world.until('the command', hold.begun)
    if (when === 'stopping') {
      world.cloud.plan('stop', { delay: 30_000 })
      hold.end()
      await world.result(request)
    }
    await world.state(when, 100)
    await world.master.configure([])
    if (when === 'busy') {
      await world.pass(100)
      expect(world.cloud.machines).toHaveLength(1)
      hold.end()
      expect(await world.result(request)).toBe('SUCCESS')
    }
    await world.empty()
    expect(world.cloud.machines).toEqual([])
  },
)

test('a worker that leaves the config while its first instance is only being stored leaves nothing behind', async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: -1 } } })
  const lock = await world.database.pool.connect()
  await lock.query('begin')
  await lock.query('lock table instances in access exclusive mode')
  try {
    await world.force('unit')
    await world.until('the insert to wait', async () => {
      const { rows } = await lock.query(
        "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      )
      return rows.length > 0
    })
    // What else it stores waits for the same transaction.
    const configured = world.master.latent.configure([])
    await lock.query('rollback')
    await configured
  } finally {
    lock.release()
  }
  await world.until('the row', async () => (await world.rows()).length === 1)
  await world.empty()
  expect(world.cloud.calls.filter(({ operation }) => operation === 'start')).toEqual([])
})

test('a worker that left the config while no master ran: its instance finishes its build and ends', async () => {
  const hold = held()
  const world = await LatentWorld.open({ command: hold.command })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  await world.kill()
  await world.startMaster({ workers: [world.worker('other')] })
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  expect(hold.begun()).toBe(1)
  await world.empty()
})

test('a changed template drains the running instance and holds for the next one', async () => {
  const hold = held()
  const world = await LatentWorld.open({ command: hold.command })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  await world.master.configure([world.worker('dock', { template: { image: 'new' } })])
  await world.pass(60)
  expect(world.cloud.machines).toHaveLength(1)
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  const next = await world.force('unit')
  expect(await world.result(next)).toBe('SUCCESS')
  expect(world.cloud.machines.map(({ spec }) => spec.template)).toEqual([{ image: 'new' }])
  expect((await world.rows())[0]!.stop_reason).toBe('its template was changed in the config')
})

test('an instance whose template changes while it starts is stopped, and its request gets one of the new template', async () => {
  const world = await LatentWorld.open({ agentAfter: 30_000 })
  const request = await world.force('unit')
  await world.until('the machine', () => world.cloud.machines[0], { step: 100 })
  await world.master.configure([world.worker('dock', { template: { image: 'new' } })])
  expect(await world.result(request)).toBe('SUCCESS')
  const [build] = await world.builds(request)
  const machine = [...world.agents.keys()].find(({ id }) => id === build!.instance_id)
  expect(machine!.spec.template).toEqual({ image: 'new' })
})

test('other options than the template take effect on running instances', async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: -1 } } })
  await world.result(await world.force('unit'))
  await world.master.configure([world.worker('dock', { buildWaitTimeout: 20 })])
  await world.empty()
  expect(await world.rows()).toHaveLength(1)
})

test('a worker that is removed and comes back takes builds again', async () => {
  const world = await LatentWorld.open()
  await world.result(await world.force('unit'))
  await world.master.configure([])
  await world.pass(5)
  await world.master.configure(world.workers)
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  await world.empty(5000)
})

test('a reconfig while an instance starts does not disturb it', async () => {
  const world = await LatentWorld.open({ agentAfter: 20_000 })
  const request = await world.force('unit')
  await world.until('the machine', () => world.cloud.machines[0], { step: 100 })
  await world.master.configure(world.workers)
  expect(await world.result(request)).toBe('SUCCESS')
  expect(world.agents.size).toBe(1)
})
