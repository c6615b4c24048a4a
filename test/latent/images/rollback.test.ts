import pino from 'pino'
import { expect, test } from 'vitest'
import type { Work } from '../../../src/db/group-commit.ts'
import { imageService } from '../../../src/image-service.ts'
import type { ImageService } from '../../../src/web/services.ts'
import { listImages } from '../../../src/web/queries/images.ts'
import type { LatentWorld } from '../latent-world.ts'
import { ciImage, docks, imageRows, imageWorld, untilUsed, usedHash } from './image-world.ts'

test('a rollback holds over restarts and newer images, until it is taken back', async () => {
  const world = await imageWorld()
  const one = await untilUsed(world)
  await newer(world, 'two')
  const two = await untilUsed(world, one)
  await serviceOf(world).use('ci', one.slice(0, 6))
  expect(await untilUsed(world, two)).toBe(one)
  await world.stop()
  await world.startMaster()
  await newer(world, 'three')
  await world.until(
    'the third',
    async () => (await imageRows(world)).filter(({ state }) => state === 'ready')[2],
  )
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(docks(world)[0]!.spec.template.image).toContain(one)
  const shown = await listImages(world.database.db, serviceOf(world))
  expect(shown.map(({ inUse, instances, pinned, wanted }) => ({ inUse, instances, pinned, wanted }))).toEqual(
    [
      { inUse: false, instances: 0, pinned: false, wanted: true },
      { inUse: false, instances: 0, pinned: false, wanted: false },
      { inUse: true, instances: 1, pinned: true, wanted: false },
    ],
  )
  await serviceOf(world).use('ci', null)
  expect([one, two]).not.toContain(await untilUsed(world, one))
})

test('older images are removed when there are more than are kept, and not while an instance is made of them', async () => {
  const world = await imageWorld({
    images: [ciImage({ keep: 1 })],
    workers: { dock: { image: ciImage(), buildWaitTimeout: -1, maxBuilds: 2 } },
  })
  const [one] = [await untilUsed(world)]
  for (const name of ['two', 'three', 'four']) {
    const before = await usedHash(world)
    await newer(world, name, { keep: 1 })
    await untilUsed(world, before)
  }
  await world.until('two to be left', () => world.cloud.images.size === 2)
  await world.until('that to be stored', async () => {
    const states = (await imageRows(world)).map(({ state }) => state)
    return states.join() === 'removed,removed,ready,ready'
  })
  expect(await usedHash(world)).not.toBe(one)
  // What was removed and is wanted again is built again.
  await world.master.configure(world.workers, undefined, [ciImage({ keep: 1 })])
  await world.until('the first again', async () => (await usedHash(world)) === one)
})

test('what is in use, or what an instance is made of, is not removed', async () => {
  const world = await imageWorld({ workers: { dock: { image: ciImage(), buildWaitTimeout: -1 } } })
  const one = await untilUsed(world)
  await world.result(await world.force('unit'))
  await expect(serviceOf(world).remove('ci', one)).rejects.toMatchObject({ code: 'ROUSE_IMAGE_IN_USE' })
  await newer(world, 'two')
  await untilUsed(world, one)
  await world.empty()
  expect(await serviceOf(world).remove('ci', one)).toBe('removed')
  expect([...world.cloud.images.keys()]).toHaveLength(1)
  await expect(serviceOf(world).use('ci', one)).rejects.toMatchObject({ code: 'ROUSE_IMAGE_UNKNOWN' })
  await expect(serviceOf(world).build('cd', { again: false })).rejects.toMatchObject({
    code: 'ROUSE_IMAGE_UNKNOWN',
  })
})

test('an image is built again on request although nothing has changed, and a failed one is tried again', async () => {
  const world = await imageWorld()
  const one = await untilUsed(world)
  expect(await serviceOf(world).build('ci', { again: false })).toBe(one)
  const again = await serviceOf(world).build('ci', { again: true })
  expect(await untilUsed(world, one)).toBe(again)
  world.cloud.plan('keep', { error: { code: 'REJECTED', message: 'the pool is full' } })
  const failed = await serviceOf(world).build('ci', { again: true })
  await world.until('the failure', () => serviceOf(world).trouble('ci'))
  expect(await serviceOf(world).build('ci', { again: false })).toBe(failed)
  expect(await untilUsed(world, again)).toBe(failed)
})

test('an image that its provider does not remove now is not said to be removed, and is removed later', async () => {
  const world = await imageWorld()
  const one = await untilUsed(world)
  await newer(world, 'two')
  await untilUsed(world, one)
  world.cloud.plan('removeImage', { error: { message: 'the pool is locked' } })
  expect(await serviceOf(world).remove('ci', one)).toBe('removing')
  const shown = await listImages(world.database.db, serviceOf(world))
  expect(shown).toContainEqual(
    expect.objectContaining({
      ...{ hash: one, state: 'removing', error: 'it could not be removed yet: the pool is locked' },
    }),
  )
  await world.until('its removal', () => world.cloud.images.size === 1)
})

test('images whose name has left the config are removed after a week, but for one that a template names', async () => {
  const world = await imageWorld()
  const one = await untilUsed(world)
  await newer(world, 'two')
  const two = await untilUsed(world, one)
  const ref = `test-cluster/ci@${one}`
  const leave = (image: string) => world.master.configure([world.worker('dock', { template: { image } })])
  await leave('base')
  await world.pass(6 * day, 3600)
  expect(world.cloud.images.size).toBe(2)
  // It comes back, and is in use as it was.
  await newer(world, 'two')
  await world.pass(2 * day, 3600)
  expect((await imageRows(world)).map(({ hash, state }) => ({ hash, state }))).toEqual([
    { hash: one, state: 'ready' },
    { hash: two, state: 'ready' },
  ])
  expect(world.cloud.calls.filter(({ operation }) => operation === 'keep')).toHaveLength(2)
  await leave(ref)
  await world.pass(6 * day, 3600)
  expect(world.cloud.images.size).toBe(2)
  await world.pass(2 * day, 3600)
  await world.until('the other to go', () => [...world.cloud.images.keys()].join() === ref)
  await leave('base')
  await world.until('that one, too', () => world.cloud.images.size === 0, { step: 3_600_000 })
}, 60_000)

test('of images that no row knows, none is removed while one is being kept, also when that begins after the first has gone', async () => {
  const world = await imageWorld()
  await untilUsed(world)
  const [row] = await imageRows(world)
  const { db } = world.database
  const removed: string[] = []
  world.cloud.witness = async ({ operation }, moment) => {
    if (operation !== 'removeImage' || moment !== 'asked') return
    removed.push(operation)
    if (removed.length > 1) return
    const kept = { ...row!, hash: '00000000000000aa', state: 'storing' as const, ref: null }
    kept.instance_id = (await world.rows())[0]!.id
    await db.insertInto('images').values(kept).execute()
  }
  for (const name of ['half', 'kept']) world.cloud.images.set(`test-cluster/ci@${name}`, new Set())
  await world.until('the first to go', () => !world.cloud.images.has('test-cluster/ci@half'))
  await world.pass(5)
  expect([...world.cloud.images.keys()]).toContain('test-cluster/ci@kept')
})

test('a try of an image runs on an instance of it', async () => {
  const world = await imageWorld()
  const one = await untilUsed(world)
  const { requestIds } = await serviceOf(world).test('ci', null)
  expect(await world.result(requestIds[0]!)).toBe('SUCCESS')
  const [row] = (await world.rows()).filter(({ template }) =>
    (template as { image: string }).image.includes(one),
  )
  expect(row!.id).toContain('image-test-ci')
})

async function newer(world: LatentWorld, name: string, options = {}): Promise<void> {
  await world.master.configure(world.workers, undefined, [
    ciImage({ provision: [`write ${name}`], ...options }),
  ])
}

function serviceOf({ database: { db }, master }: LatentWorld): ImageService {
  const { builds, images, latent } = master
  const commit = { write: <T>(work: Work<T>) => db.transaction().execute(work) }
  return imageService({ db, commit, log: pino({ level: 'silent' }), builds, images, latent })
}

const day = 86_400
