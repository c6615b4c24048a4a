import { expect, test } from 'vitest'
import { registerMaster } from '../../src/db/register-master.ts'
import { builder, held, LatentWorld } from './latent-world.ts'

test('a pool of 4 works through 40 builds with never more than 4 machines', async () => {
  const world = await LatentWorld.open({
    workers: { dock: { instances: { max: 4 } } },
    command: async () => {
      await world.clock.sleep(2000)
      return 0
    },
  })
  let most = 0
  world.cloud.witness = () => void (most = Math.max(most, world.cloud.machines.length))
  const requests = await Promise.all(Array.from({ length: 40 }, () => world.force('unit')))
  for (const request of requests) expect(await world.result(request)).toBe('SUCCESS')
  expect(most).toBe(4)
  expect(world.agents.size).toBe(4)
  expect(new Set((await world.rows()).map(({ number }) => number))).toEqual(new Set([1, 2, 3, 4]))
})

test('one build at a time on one instance, also of two builders, unless maxBuilds says otherwise', async () => {
  const hold = held()
  const world = await LatentWorld.open({
    builders: [builder('unit', 'dock'), builder('lint', 'dock')],
    command: hold.command,
  })
  const requests = [await world.force('unit'), await world.force('lint')]
  await world.until('the first command', hold.begun)
  await world.pass(60)
  expect(hold.begun()).toBe(1)
  hold.end()
  for (const request of requests) expect(await world.result(request)).toBe('SUCCESS')
})

test('with maxBuilds 3 three requests share one instance', async () => {
  const hold = held()
  const world = await LatentWorld.open({
    workers: { dock: { maxBuilds: 3, instances: { max: 2 } } },
    command: hold.command,
    agentAfter: 5000,
  })
  const requests = await Promise.all([1, 2, 3].map(() => world.force('unit')))
  await world.until('three commands', () => hold.begun() === 3)
  expect(world.cloud.machines).toHaveLength(1)
  hold.end()
  for (const request of requests) expect(await world.result(request)).toBe('SUCCESS')
})

test('minIdle instances wait for work without being asked for, and are not stopped for idleness', async () => {
  const world = await LatentWorld.open({
    workers: { dock: { buildWaitTimeout: 30, instances: { max: 3, minIdle: 2 } } },
  })
  await world.until('two machines', () => world.cloud.machines.length === 2)
  await world.pass(20)
  await world.pass(1000, 4)
  expect((await world.rows()).map((row) => row.stop_reason)).toEqual([null, null])
  const hold = held()
  world.command = hold.command
  const request = await world.force('unit')
  await world.until('the third', () => world.cloud.machines.length === 3)
  await world.until('the command', hold.begun)
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  await world.until('two machines', () => world.cloud.machines.length === 2)
})

test('builds share an instance only when their computed templates are equal', async () => {
  const world = await LatentWorld.open({
    workers: {
      dock: { instances: { max: 2 }, template: (p) => ({ image: String(p.get('image') ?? 'plain') }) },
    },
  })
  const images = ['a', 'b', 'a', 'b', 'a']
  for (const image of images) {
    const request = await world.force('unit', { image })
    expect(await world.result(request)).toBe('SUCCESS')
    const [build] = await world.builds(request)
    const machine = world.cloud.machines.find(({ id }) => id === build!.instance_id)
    expect(machine!.spec.template).toEqual({ image })
  }
  expect(world.agents.size).toBe(2)
})

test('an idle instance of another template makes room when something waits for its place', async () => {
  const world = await LatentWorld.open({
    workers: { dock: { buildWaitTimeout: -1, template: (p) => ({ image: String(p.get('image')) }) } },
  })
  expect(await world.result(await world.force('unit', { image: 'a' }))).toBe('SUCCESS')
  const begun = world.clock.now()
  expect(await world.result(await world.force('unit', { image: 'b' }))).toBe('SUCCESS')
  expect(world.clock.now() - begun).toBeLessThan(120_000)
  expect((await world.rows())[0]!.stop_reason).toBe('it makes room for another template')
})

test('a busy instance of another template is let finish first', async () => {
  const hold = held()
  const world = await LatentWorld.open({
    workers: { dock: { template: (p) => ({ image: String(p.get('image')) }) } },
    command: hold.command,
  })
  const [a, b] = [await world.force('unit', { image: 'a' }), await world.force('unit', { image: 'b' })]
  await world.until('the command', hold.begun)
  await world.pass(300, 5)
  expect(world.cloud.machines).toHaveLength(1)
  expect(await world.builds(b)).toEqual([])
  hold.end()
  for (const request of [a, b]) expect(await world.result(request)).toBe('SUCCESS')
})

test('a template that cannot be computed ends its request with the reason', async () => {
  const world = await LatentWorld.open({
    workers: {
      dock: {
        template: (p) => {
          if (p.get('image') === undefined) throw new Error('no image was asked for')
          return {}
        },
      },
    },
  })
  const request = await world.force('unit')
  expect(await world.result(request)).toBe('EXCEPTION')
  const { db } = world.database
  const row = await db.selectFrom('requests').selectAll().where('id', '=', request).executeTakeFirstOrThrow()
  expect(row.start_failure).toContain('no image was asked for')
  expect(await world.result(await world.force('unit', { image: 'a' }))).toBe('SUCCESS')
})

test('a running idle instance is used before another one is started, in the order of preference', async () => {
  const world = await LatentWorld.open({
    workers: { first: {}, second: {} },
    builders: [builder('unit', 'first', 'second'), builder('other', 'second')],
  })
  await world.result(await world.force('other'))
  await world.result(await world.force('unit'))
  expect((await world.rows()).map(({ id, builds }) => [id.includes('second'), builds])).toEqual([[true, 2]])
})

test('a paused worker starts nothing; what it starts is stopped; after the pause its requests go on', async () => {
  const world = await LatentWorld.open({ agentAfter: 60_000 })
  const admin = (state: 'paused' | 'active') =>
    world.master.admin.set('dock', { state, reason: 'maintenance', by: 'alice', until: null })
  await admin('paused')
  const request = await world.force('unit')
  await world.pass(100)
  expect(world.cloud.calls.filter(({ operation }) => operation === 'start')).toEqual([])
  expect(world.master.why(request)).toContain('dock is paused: maintenance')
  await admin('active')
  expect(await world.result(request)).toBe('SUCCESS')
})

test('a paused worker lets its builds finish, and its idle instances end', async () => {
  const hold = held()
  const world = await LatentWorld.open({ command: hold.command })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  await world.master.admin.set('dock', { state: 'paused', reason: '', by: 'alice', until: null })
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  const next = await world.force('unit')
  await world.empty()
  expect(await world.builds(next)).toEqual([])
})

test('a request far behind in the queue says that others come first', async () => {
  const hold = held()
  const world = await LatentWorld.open({ command: hold.command })
  const requests = await Promise.all(Array.from({ length: 5 }, () => world.force('unit')))
  await world.until('the command', hold.begun)
  await world.pass(10)
  expect(world.master.why(requests[1]!)).toBe('dock is busy')
  expect(world.master.why(requests[4]!)).toBe('3 requests of its builder come first')
  hold.end()
  for (const request of requests) expect(await world.result(request)).toBe('SUCCESS')
})

test('a worker that is drained finishes its builds, ends its instances and starts nothing', async () => {
  const hold = held()
  const world = await LatentWorld.open({ command: hold.command })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  const next = await world.force('unit')
  await world.master.admin.set('dock', { state: 'draining', reason: null, by: 'alice', until: null })
  await world.pass(30)
  expect(world.cloud.machines).toHaveLength(1)
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  await world.empty()
  expect(await world.builds(next)).toEqual([])
  expect(world.master.why(next)).toContain('dock is draining')
})

test("a place that another master's instance has is passed over, and free again when that one is gone", async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: 0 } } })
  const { db } = world.database
  const numberOf = async () => {
    const request = await world.force('unit')
    expect(await world.result(request)).toBe('SUCCESS')
    const [build] = await world.builds(request)
    return (await world.rows()).find(({ id }) => id === build!.instance_id)!.number
  }
  expect(await numberOf()).toBe(1)
  await world.empty()
  const [first] = await db.selectFrom('instances').selectAll().execute()
  const other = await registerMaster(db, { host: 'other', pid: 1, version: '0.0.0', only: false })
  const living = { state: 'attached' as const, deadline: new Date(world.clock.now() + 3_600_000) }
  const theirs = { ...first!, ...living, id: 'theirs', owner: other.id, epoch: other.epoch, template: '{}' }
  await db.insertInto('instances').values(theirs).execute()
  expect(await numberOf()).toBe(2)
  await db
    .updateTable('instances')
    .set({ state: 'gone', deadline: null })
    .where('id', '=', 'theirs')
    .execute()
  await world.pass(60)
  expect(await numberOf()).toBe(1)
})
