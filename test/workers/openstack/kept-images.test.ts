import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Clock } from '../../../src/util/clock.ts'
import { image } from '../../../src/config/image.ts'
import { openstackWorker } from '../../../workers/openstack/index.ts'
import { call } from '../../backends/contract/contract-context.ts'
import { lostAnswer } from './fake-openstack/fake-fault.ts'
import { cluster, OpenStackWorld } from './openstack-world.ts'

const stamp = { name: 'debian-ci', hash: '0123456789abcdef' }
const { machine, using } = openstackWorker('cloud', {
  cloud: 'lab',
  flavor: 'm1.small',
  image: image('debian-ci'),
  volume: { size: 40 },
  floatingIp: '203.0.113.7',
}).image!

test('a server that provisions has the disk of its flavor, no address of yours, and an agent that is root', async () => {
  const world = await OpenStackWorld.open()
  await provisioned(world)
  const [server] = world.cloud.living
  expect(server!.o.volumes).toEqual([])
  expect(server!.o.metadata['rouse.address']).toBeUndefined()
  expect(server!.o.userData).toContain("if [ -n 'yes' ]; then HOME=$home")
  expect(using({ image: '', flavor: '1', volume: { size: 40 } }, 'an-id')).toEqual({
    ...{ image: 'an-id', flavor: '1', volume: { size: 40 } },
  })
  const sized = await world.refusal(world.spec({}, { template: machine({ from: 'debian-13', size: '20g' }) }))
  expect(sized).toMatchObject({ code: 'REJECTED', message: expect.stringMatching(/^size: /) as string })
})

test('an image has its stamps from the call that makes it', async () => {
  const world = await OpenStackWorld.open({ imageMs: 500, stopMs: 100 })
  const { id } = await provisioned(world)
  const ref = await world.backend.images.keep(id, stamp, call())
  const made = world.cloud.images.find((one) => one.id === ref)!
  expect(made.name).toMatch(/^rouse-[0-9a-f]{12}\/debian-ci\/0123456789abcdef$/)
  expect(made.made!.properties).toMatchObject({
    'rouse.cluster': cluster,
    'rouse.kept': 'debian-ci@0123456789abcdef',
  })
})

test('a server that has powered itself off is kept without being stopped', async () => {
  const world = await OpenStackWorld.open()
  const { id } = await provisioned(world)
  world.cloud.living[0]!.powerOff()
  await world.backend.images.keep(id, stamp, call())
  expect(world.actions()).not.toContain('stopServer')
})

test('a server that does not shut down, has failed, is gone, or whose disk is a volume is not kept', async () => {
  const world = await OpenStackWorld.open({ clock: quickClock() })
  const keep = (id: string) => world.backend.images.keep(id, stamp, call())
  const hangs = await provisioned(world)
  world.cloud.plan('stopServer', { stuck: true })
  await expect(keep(hangs.id)).rejects.toMatchObject({
    code: 'ROUSE_IMAGE_NOT_SHUT_DOWN',
    message: expect.stringMatching(/within 58 s/) as string,
  })
  const failed = await provisioned(world)
  world.cloud.living.find(({ id }) => id === failed.id)!.fail(world.cloud.clock.now(), 'its host is gone')
  await expect(keep(failed.id)).rejects.toMatchObject({
    code: 'REJECTED',
    message: expect.stringMatching(/its host is gone/) as string,
  })
  const spec = world.spec({ volume: { size: 10 } })
  await world.start(spec)
  await expect(keep(spec.id)).rejects.toMatchObject({
    code: 'REJECTED',
    message: expect.stringMatching(/disk .* is a volume/) as string,
  })
  await expect(keep('rouse-none')).rejects.toThrow('there is no server of rouse-none')
  expect(await world.backend.images.list(call())).toEqual([])
})

test('an image whose answer was lost is made anew, once Nova is done with the first one', async () => {
  const world = await OpenStackWorld.open({ imageMs: 1500 })
  const { id } = await provisioned(world)
  world.cloud.plan('createImage', lostAnswer)
  await expect(world.backend.images.keep(id, stamp, call())).rejects.toThrow('cannot be reached')
  await world.restart()
  world.actions()
  const ref = await world.backend.images.keep(id, stamp, call())
  expect(await world.backend.images.list(call())).toEqual([ref])
  expect(world.actions().filter((action) => action === 'createImage').length).toBeGreaterThan(1)
})

test.for([
  [{ crash: 'killed' }, /is killed/],
  [{ crash: 'removed' }, /Nova could not make image .* has removed it/],
  [{ stuck: true }, /is queued, and Nova does no more for it/],
] as const)('an image that comes to nothing is removed, and says why: %o', async ([fault, why]) => {
  const world = await OpenStackWorld.open({ imageMs: 500, clock: quickClock() })
  const { id } = await provisioned(world)
  world.cloud.plan('createImage', fault)
  await expect(world.backend.images.keep(id, stamp, call())).rejects.toThrow(why)
  expect(await world.backend.images.list(call())).toEqual([])
})

test("a quota that is used up is nobody's fault; a right that is missing is the config's", async () => {
  const world = await OpenStackWorld.open()
  const { id } = await provisioned(world)
  const keep = () => world.backend.images.keep(id, stamp, call())
  world.cloud.plan('createImage', { error: { status: 403, message: 'Quota exceeded for snapshots' } })
  await expect(keep()).rejects.toMatchObject({ code: 'CAPACITY' })
  world.cloud.plan('createImage', { error: { status: 403, message: 'Policy does not allow this' } })
  await expect(keep()).rejects.toMatchObject({ code: 'REJECTED' })
})

test('an image that something is made of is removed later', async () => {
  const world = await OpenStackWorld.open()
  const { id } = await provisioned(world)
  const { images } = world.backend
  const ref = await images.keep(id, stamp, call())
  world.cloud.plan('deleteImage', { error: { status: 409, message: 'Image is in use.' } })
  await expect(images.remove(ref, call())).rejects.toThrow('in use')
  expect(await images.list(call())).toEqual([ref])
  await images.remove(ref, call())
  expect(await images.list(call())).toEqual([])
})

test('neither a snapshot that has inherited the stamps of an image nor one that has its name only is touched', async () => {
  const world = await OpenStackWorld.open({ pageSize: 1 })
  const { id } = await provisioned(world)
  const { images } = world.backend
  const ref = await images.keep(id, stamp, call())
  const mine = world.cloud.images.find((one) => one.id === ref)!
  const others = [
    { ...mine, id: world.cloud.uuid(), name: 'before-the-upgrade' },
    { ...mine, id: world.cloud.uuid(), made: { ...mine.made!, properties: {} } },
    { ...mine, id: world.cloud.uuid(), made: { ...mine.made!, owner: 'another-project' } },
  ]
  world.cloud.images.push(...others)
  expect(await images.list(call())).toEqual([ref])
  const again = await images.keep(id, stamp, call())
  expect(await images.list(call())).toEqual([again])
  await expect(images.remove(others[0]!.id, call())).rejects.toMatchObject({ code: 'REJECTED' })
  expect(world.cloud.images).toEqual(expect.arrayContaining(others))
})

test('an image to begin with is the one that has the name at that time', async () => {
  const world = await OpenStackWorld.open()
  const identify = (from: string) => world.backend.images.identify(from, call())
  expect(await identify('debian-13')).toBe('11111111-0000-4000-8000-000000000001')
  world.cloud.images[0] = { ...world.cloud.images[0]!, id: '11111111-0000-4000-8000-000000000009' }
  expect(await identify('debian-13')).toBe('11111111-0000-4000-8000-000000000009')
  await expect(identify('twice')).rejects.toMatchObject({ code: 'REJECTED' })
  await expect(identify('11111111-0000-4000-8000-00000000000f')).rejects.toMatchObject({ code: 'REJECTED' })
})

/** A server that has provisioned an image. */
async function provisioned(world: OpenStackWorld) {
  const spec = world.spec({}, { template: machine({ from: 'debian-13', size: undefined }) })
  await world.start(spec)
  return { id: spec.id }
}

/** Three minutes pass in a second. */
function quickClock(): Clock {
  const begun = Date.now()
  return {
    now: () => begun + (Date.now() - begun) * 180,
    sleep: (ms, signal) => delay(ms / 180, undefined, { ...(signal && { signal }) }),
  }
}
