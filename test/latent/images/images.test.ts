import { expect, test } from 'vitest'
import { image } from '../../../src/config/image.ts'
import { RouseError } from '../../../src/model/errors.ts'
import { storeFailed } from '../../../src/latent/images/store-images.ts'
import { held } from '../latent-world.ts'
import { ciImage, docks, imageRows, imageWorld, untilUsed, usedHash } from './image-world.ts'

test('an image is built by an ordinary build, and what waits for it starts then', async () => {
  const world = await imageWorld()
  const request = await world.force('unit')
  await world.until('the reason', () => world.master.why(request)?.includes('waits for image ci'), {
    step: 10,
  })
  expect(await world.result(request)).toBe('SUCCESS')
  const [row] = await imageRows(world)
  expect(row).toMatchObject({ name: 'ci', state: 'ready', base: 'base', attempt: 1, error: null })
  const build = await world.database.db
    .selectFrom('builds')
    .innerJoin('builders', 'builders.id', 'builds.builder_id')
    .select(['builders.name', 'builds.result'])
    .where('builds.id', '=', row!.build_id)
    .executeTakeFirstOrThrow()
  expect(build).toEqual({ name: 'image:ci', result: 'SUCCESS' })
  const [machine] = docks(world)
  expect(machine!.spec.template).toEqual({ image: row!.ref })
  expect([...machine!.disk]).toEqual(['tools'])
})

test('the same inputs are not built twice, also by the next master', async () => {
  const world = await imageWorld()
  const used = await untilUsed(world)
  await world.stop()
  await world.startMaster()
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  await world.pass(60)
  expect((await imageRows(world)).map(({ hash }) => hash)).toEqual([used])
  expect(world.cloud.calls.filter(({ operation }) => operation === 'keep')).toHaveLength(1)
})

test('a provision that fails leaves the old image in use, and says why', async () => {
  const world = await imageWorld()
  const old = await untilUsed(world)
  await world.master.configure(world.workers, undefined, [ciImage({ provision: ['write tools', 'fail'] })])
  await world.until('the failure', () => world.master.images.trouble('ci'))
  expect(world.master.images.trouble('ci')).toMatch(/^build \d+ ended in FAILURE: .*exit code 1/)
  expect(await usedHash(world)).toBe(old)
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(docks(world)[0]!.spec.template.image).toContain(old)
  // What is mended is built.
  await world.master.configure(world.workers, undefined, [ciImage({ provision: ['write mended'] })])
  await untilUsed(world, old)
  expect(world.master.images.trouble('ci')).toBeUndefined()
})

test('another base image of the same name is noticed when the config is read again', async () => {
  const world = await imageWorld()
  const old = await untilUsed(world)
  world.cloud.bases.set('base', 2)
  await world.master.configure(world.workers, undefined, [ciImage()])
  expect(await untilUsed(world, old)).toMatch(/^[0-9a-f]{16}$/)
})

test('an image whose inputs change during its build is not kept, and is built anew', async () => {
  const hold = held()
  const world = await imageWorld({
    command: hold.command,
    images: [ciImage({ provision: ['wait', 'write tools'] })],
  })
  await world.until('the build', hold.begun)
  const [first] = await imageRows(world)
  world.cloud.bases.set('base', 2)
  hold.end()
  const used = await untilUsed(world)
  expect(used).not.toBe(first!.hash)
  expect([...world.cloud.images.keys()]).toEqual([`test-cluster/ci@${used}`])
  const rows = await imageRows(world)
  expect(rows).toMatchObject([
    { state: 'failed', error: expect.stringContaining('has changed meanwhile: it is built anew') as string },
    { state: 'ready' },
  ])
})

test('an image whose disk is being kept is not marked failed by who has seen it being built', async () => {
  const world = await imageWorld()
  world.cloud.plan('keep', { delay: 20_000 })
  const stored = await world.until('its disk to be kept', async () =>
    (await imageRows(world)).find(({ state }) => state === 'storing'),
  )
  const { db } = world.database
  const fail = (state: 'building' | 'storing') =>
    db.transaction().execute((trx) => storeFailed(trx, { ...stored, state }, null, 'its build was cancelled'))
  await fail('building')
  expect(await imageRows(world)).toMatchObject([{ state: 'storing', error: null }])
  // It has failed all the same for who has seen what it is.
  await fail('storing')
  expect(await imageRows(world)).toMatchObject([{ state: 'failed', error: 'its build was cancelled' }])
})

test('instances of an older image make way one at a time, each after its build', async () => {
  const hold = held()
  const world = await imageWorld({
    workers: { dock: { image: ciImage(), instances: { max: 3, minIdle: 3 } } },
    command: hold.command,
  })
  const old = await untilUsed(world)
  await world.until(
    'three',
    () => docks(world).filter((machine) => world.agentOf(machine)?.connected).length === 3,
  )
  const busy = await world.force('unit')
  await world.until('the build', hold.begun)
  let fewest = 3
  world.cloud.witness = () => {
    fewest = Math.min(fewest, docks(world).filter((machine) => world.agentOf(machine)?.connected).length)
  }
  await world.master.configure(world.workers, undefined, [ciImage({ provision: ['write newer'] })])
  const used = await untilUsed(world, old)
  const made = (of: string) => docks(world).filter(({ spec }) => spec.template.image?.includes(of)).length
  await world.until('the idle ones', () => made(used) === 2 && made(old) === 1)
  await world.pass(30)
  expect({ old: made(old), result: (await world.builds(busy))[0]!.result }).toEqual({ old: 1, result: null })
  hold.end()
  expect(await world.result(busy)).toBe('SUCCESS')
  await world.until('the last one', () => made(used) === 3 && made(old) === 0)
  expect(fewest).toBeGreaterThanOrEqual(2)
})

test('a new image whose machines do not start takes the place of one instance only', async () => {
  const instances = { max: 3, minIdle: 3 }
  const world = await imageWorld({
    workers: { dock: { image: ciImage(), instances, startTimeout: 60, buildWaitTimeout: -1 } },
  })
  const old = await untilUsed(world)
  const made = (of: string) =>
    docks(world).filter((m) => world.agentOf(m)?.connected && m.spec.template.image?.includes(of)).length
  await world.until('three', () => made(old) === 3)
  world.cloud.chance = (operation, id) =>
    operation === 'start' && id?.includes('-dock-') ? { error: { message: 'it does not boot' } } : undefined
  await world.master.configure(world.workers, undefined, [ciImage({ provision: ['write broken'] })])
  const used = await untilUsed(world, old)
  await world.until('the first to go', () => made(old) === 2)
  await world.pass(300)
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  await world.pass(60)
  expect(made(old)).toBe(2)
  world.cloud.chance = () => undefined
  await world.until('all of the new image', () => made(used) === 3)
})

test('an image whose machine cannot be kept is tried again, and failed in the end', async () => {
  const world = await imageWorld()
  const used = await untilUsed(world)
  world.cloud.plan('keep', { error: { message: 'no answer' } })
  await world.master.configure(world.workers, undefined, [ciImage({ provision: ['write b'] })])
  const next = await untilUsed(world, used)
  world.cloud.plan('keep', { error: { code: 'REJECTED', message: 'the pool is full' } })
  await world.master.configure(world.workers, undefined, [ciImage({ provision: ['write c'] })])
  await world.until('the failure', () => world.master.images.trouble('ci')?.includes('the pool is full'))
  expect(await usedHash(world)).toBe(next)
  await world.empty()
})

test('a provider that does not say what an image begins with delays no other image', async () => {
  const world = await imageWorld({ images: [] })
  const workers = ['dock', 'other'].map((name) =>
    world.worker(name, { image: image(name === 'dock' ? 'ci' : 'cd') }),
  )
  world.cloud.plan('identify', { hang: true })
  const open: number[] = []
  world.cloud.witness = ({ operation }, moment) => {
    if (operation !== 'identify' || moment !== 'asked') return
    const asked = world.cloud.calls.filter((call) => call.operation === 'identify' && call.outcome === 'open')
    open.push(asked.length)
  }
  await world.master.configure(workers, undefined, [
    ciImage(),
    image('cd', { from: 'base', provision: ['write disc'] }),
  ])
  await world.until(
    'the second image',
    async () => (await imageRows(world)).find(({ name }) => name === 'cd')?.state === 'ready',
  )
  // It was asked for while the first had no answer, which is asked for again.
  expect(open.slice(0, 2)).toEqual([1, 2])
  await untilUsed(world)
})

test('a machine that does not shut down is not asked for its disk again and again: its image fails, with advice', async () => {
  const world = await imageWorld({ images: [] })
  world.cloud.witness = ({ operation }) => {
    if (operation === 'keep') throw new RouseError('ROUSE_IMAGE_NOT_SHUT_DOWN', 'it still runs')
  }
  await world.master.configure(world.workers, undefined, [ciImage()])
  await world.until('the failure', () => world.master.images.trouble('ci'))
  expect(world.master.images.trouble('ci')).toMatch(
    /^its disk could not be kept: it still runs \(ROUSE_IMAGE_NOT_SHUT_DOWN\)\. The system must power off/,
  )
  expect(world.cloud.calls.filter(({ operation }) => operation === 'keep')).toHaveLength(1)
  await world.empty()
})

test.for(['start', 'keep'] as const)(
  'a master that is killed during the %s of an image leaves it to the next, and nothing half-made stays',
  async (operation) => {
    const world = await imageWorld()
    const killed = Promise.withResolvers<void>()
    world.cloud.witness = (call, moment) => {
      if (call.operation === operation && moment === 'done') killed.resolve()
    }
    await Promise.race([killed.promise, world.until('never', () => false, { timeout: 15_000 })])
    world.cloud.witness = () => {}
    await world.kill()
    await world.startMaster()
    await untilUsed(world)
    world.cloud.images.set('test-cluster/ci@half', new Set())
    world.cloud.images.set('other-cluster/ci@half', new Set())
    await world.until('only one', () => world.cloud.images.size === 2)
    expect((await imageRows(world)).map(({ state }) => state)).toEqual(['ready'])
    await world.empty()
  },
)
