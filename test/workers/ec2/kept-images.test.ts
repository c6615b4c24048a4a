import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Clock } from '../../../src/util/clock.ts'
import { image } from '../../../src/config/image.ts'
import { ec2Worker } from '../../../workers/ec2/index.ts'
import type { Ec2Template } from '../../../workers/ec2/ec2-options.ts'
import { call } from '../../backends/contract/contract-context.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { cluster, Ec2World, plain } from './ec2-world.ts'
import { lostAnswer } from './fake-ec2/fake-fault.ts'
import { openEc2Backend } from './open-ec2-backend.ts'
import { text } from './fake-ec2/query.ts'

const stamp = { name: 'debian-ci', hash: '0123456789abcdef' }
const { machine, using } = ec2Worker('cloud', {
  region: 'eu-test-1',
  ...plain,
  ami: image('debian-ci'),
  spot: true,
  volumes: [{ volumeId: 'vol-1', device: '/dev/sdf' }],
  blockDeviceMap: [{ deviceName: '/dev/xvda', type: 'gp3' }, { deviceName: '/dev/sdb' }],
}).image!

test('a machine that provisions is on demand, stops when it powers itself off, and has a root disk of the size of the image', async () => {
  const world = await Ec2World.open()
  await provisioned(world, machine({ from: 'ami-0aaa', size: '20 GiB' }))
  const { request, spot, userData } = world.cloud.living[0]!.o
  expect(spot).toBe(false)
  expect(text(request, 'InstanceInitiatedShutdownBehavior')).toBe('stop')
  expect(text(request, 'BlockDeviceMapping', '1', 'Ebs', 'VolumeSize')).toBe('20')
  expect(text(request, 'BlockDeviceMapping', '1', 'Ebs', 'VolumeType')).toBe('gp3')
  expect(text(request, 'BlockDeviceMapping', '2', 'Ebs', 'VolumeSize')).toBeUndefined()
  expect(userData).toContain("if [ -n 'yes' ]; then HOME=$home")
  expect(using({ ...plain, spot: true } as Ec2Template, 'ami-1')).toEqual({
    ...plain,
    ami: 'ami-1',
    spot: true,
  })
})

test('an image has its stamps, as have its snapshots, from the call that makes it, and the root disk only', async () => {
  const world = await Ec2World.open({ imageMs: 200 })
  const { id } = await provisioned(world)
  const ref = await world.backend.images.keep(id, stamp, call())
  const made = world.cloud.images.find((one) => one.id === ref)!
  const stamps = { 'rouse.cluster': cluster, 'rouse.kept': 'debian-ci@0123456789abcdef' }
  expect(made.name).toMatch(/^rouse-[0-9a-f]{12}\/debian-ci\/0123456789abcdef$/)
  expect(made.made).toMatchObject({ tags: stamps, without: ['/dev/sdb'] })
  expect([...world.cloud.snapshots.values()].map(({ tags }) => tags)).toEqual([made.made!.tags])
  expect(world.actions()).not.toContain('CreateTags')
})

test('a machine that has powered itself off is kept without being stopped', async () => {
  const world = await Ec2World.open()
  const { id } = await provisioned(world)
  world.cloud.living[0]!.stop(Date.now(), 'Client.InstanceInitiatedShutdown', 'Instance initiated shutdown')
  expect(await world.backend.images.keep(id, stamp, call())).toMatch(/^ami-/)
  expect(world.actions()).not.toContain('StopInstances')
})

test('a machine that EC2 has stopped by itself, or that is gone, is not kept', async () => {
  const world = await Ec2World.open()
  const { id } = await provisioned(world)
  world.cloud.living[0]!.stop(Date.now(), 'Server.ScheduledStop', 'Stopped due to a scheduled retirement')
  await expect(world.backend.images.keep(id, stamp, call())).rejects.toMatchObject({
    code: 'ROUSE_IMAGE_NOT_SHUT_DOWN',
    message: expect.stringMatching(/has not shut down: Server\.ScheduledStop/) as string,
  })
  await world.stop(id)
  await expect(world.backend.images.keep(id, stamp, call())).rejects.toThrow('the machine is gone')
  expect(world.cloud.snapshots.size).toBe(0)
})

test('a machine that does not shut down is not kept', async () => {
  const world = await Ec2World.open({ clock: quickClock })
  const { id } = await provisioned(world)
  world.cloud.plan('StopInstances', { error: { code: 'IncorrectInstanceState' } })
  const backend = await openEc2Backend({ endpoint: world.url, listLag: 1 }, cluster, quickClock)
  const refusal = await backend.images.keep(id, stamp, call()).catch((error: unknown) => error)
  await backend.close()
  expect(refusal).toMatchObject({
    code: 'ROUSE_IMAGE_NOT_SHUT_DOWN',
    message: expect.stringMatching(/within 240 s/) as string,
  })
  expect(world.cloud.snapshots.size).toBe(0)
})

test('an image whose answer was lost is made anew, and the first one removed with its snapshot', async () => {
  const world = await Ec2World.open({ lag: 300, imageMs: 100 }, { listLag: 0.4 })
  const { id } = await provisioned(world)
  world.cloud.plan('CreateImage', lostAnswer)
  await expect(world.backend.images.keep(id, stamp, call())).rejects.toThrow('cannot be reached')
  await world.restart()
  const ref = await world.backend.images.keep(id, stamp, call())
  await waitFor('the lists', async () => (await world.backend.images.list(call())).join() === ref)
  expect(world.cloud.images.filter(({ made }) => made?.goneAt === Infinity)).toHaveLength(1)
})

test('an image that fails is removed, and says why', async () => {
  const world = await Ec2World.open({ imageMs: 50 })
  const { id } = await provisioned(world)
  world.cloud.plan('CreateImage', { crash: 'Snapshot creation failed' })
  await expect(world.backend.images.keep(id, stamp, call())).rejects.toThrow('Snapshot creation failed')
  expect(await world.backend.images.list(call())).toEqual([])
  expect(world.cloud.snapshots.size).toBe(0)
})

test('a snapshot that something else is made of is listed until it can be removed', async () => {
  const world = await Ec2World.open()
  const { id } = await provisioned(world)
  const { images } = world.backend
  const ref = await images.keep(id, stamp, call())
  const [snapshot] = world.cloud.snapshots.keys()
  world.cloud.used.add(snapshot!)
  await expect(images.remove(ref, call())).rejects.toThrow('InvalidSnapshot.InUse')
  await images.remove(ref, call())
  expect(await images.list(call())).toEqual([snapshot])
  await expect(images.remove(snapshot!, call())).rejects.toThrow('InvalidSnapshot.InUse')
  world.cloud.used.clear()
  await images.remove(snapshot!, call())
  await images.remove(snapshot!, call())
  expect(await images.list(call())).toEqual([])
})

test('neither a copy that has the tags of an image nor one that has its name only is touched', async () => {
  const world = await Ec2World.open()
  const { id } = await provisioned(world)
  const { images } = world.backend
  const ref = await images.keep(id, stamp, call())
  const mine = world.cloud.images.find((one) => one.id === ref)!
  world.cloud.images.push({ ...mine, id: 'ami-0copy', name: 'a copy of it' })
  expect(await images.list(call())).toEqual([ref])
  await expect(images.remove('ami-0copy', call())).rejects.toMatchObject({ code: 'REJECTED' })
  await images.remove(ref, call())
  world.cloud.images.push({ ...mine, id: 'ami-0other', made: { ...mine.made!, tags: {}, goneAt: Infinity } })
  await expect(images.keep(id, stamp, call())).rejects.toMatchObject({
    code: 'REJECTED',
    message: expect.stringMatching(/which is not ours: ami-0other/) as string,
  })
})

test('an image to begin with may be a pattern, and is the newest that matches at that time', async () => {
  const world = await Ec2World.open()
  const identify = () => world.backend.images.identify('111122223333/debian-13-amd64-*', call())
  expect(await identify()).toBe('ami-0bbb')
  const newer = { ...world.cloud.images[0]!, id: 'ami-0fff', created: '2026-10-01T00:00:00.000Z' }
  world.cloud.images.push(newer)
  expect(await identify()).toBe('ami-0fff')
  expect(await world.backend.images.identify('ami-0aaa', call())).toBe('ami-0aaa')
  expect((await provisioned(world, machine({ from: 'self/none-*', size: undefined }))).refused).toMatch(
    /no image of self matches/,
  )
})

/** A machine that has provisioned an image. */
async function provisioned(world: Ec2World, template = machine({ from: 'ami-0aaa', size: undefined })) {
  const spec = world.spec({}, { template })
  const refused = await world.start(spec).then(
    () => undefined,
    (error: Error) => error.message,
  )
  return { id: spec.id, refused }
}

const begun = Date.now()
/** Five minutes pass in a second and a half. */
const quickClock: Clock = {
  now: () => begun + (Date.now() - begun) * 200,
  sleep: (ms, signal) => delay(ms / 200, undefined, { signal: signal! }),
}
