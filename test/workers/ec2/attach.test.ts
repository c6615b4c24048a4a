import { expect, test } from 'vitest'
import { call } from '../../backends/contract/contract-context.ts'
import { cluster, Ec2World } from './ec2-world.ts'
import { lostAnswer } from './fake-ec2/fake-fault.ts'
import type { FakeEc2 } from './fake-ec2/fake-ec2.ts'

test('volumes and an address come once the machine runs, also from the next master, and once only', async () => {
  const world = await Ec2World.open({ bootMs: 150 })
  const { cloud } = world
  const volume = userVolume(cloud)
  const spec = world.spec({ volumes: [{ volumeId: volume, device: '/dev/sdf' }], elasticIp: true })
  await world.start(spec)
  await world.restart()
  await until(world, () => cloud.addresses.size > 0)
  const [machine] = cloud.living
  expect(cloud.volumes.get(volume)).toMatchObject({ machine, device: '/dev/sdf' })
  const [address] = cloud.addresses.values()
  expect(address).toMatchObject({
    association: { machine },
    tags: { 'rouse.instance': spec.id, 'rouse.cluster': cluster },
  })
  world.actions()
  await world.list()
  await world.list()
  expect(world.actions()).toEqual(['DescribeInstances', 'DescribeInstances'])

  await world.stop(spec.id)
  await world.backend.sweep(new Set(), call())
  expect([...cloud.addresses.keys(), ...cloud.living]).toEqual([])
  expect([...cloud.volumes.keys()]).toEqual([volume])
})

test('an address whose making was not answered is used, and not made twice', async () => {
  const world = await Ec2World.open()
  const { cloud } = world
  cloud.plan('AllocateAddress', lostAnswer)
  cloud.plan('AssociateAddress', lostAnswer)
  await world.start(world.spec({ elasticIp: true }))
  expect((await world.list())[0]!.detail).toContain('no address: AllocateAddress')
  expect((await world.list())[0]!.detail).toContain('no address: AssociateAddress')
  expect((await world.list())[0]!.detail).not.toContain('no address')
  expect(cloud.addresses.size).toBe(1)
})

test('an address that cannot be let go of keeps no machine alive, and is released later', async () => {
  const world = await Ec2World.open({ shutdownMs: 100 })
  const { cloud } = world
  cloud.plan('DisassociateAddress', { error: { code: 'InternalError', status: 500 } })
  const spec = world.spec({ elasticIp: true })
  await world.start(spec)
  await world.list()
  expect(cloud.addresses.size).toBe(1)
  await world.stop(spec.id)
  expect(cloud.living).toEqual([])
  expect(cloud.addresses.size).toBe(1)
  await until(world, async () => {
    await world.backend.sweep(new Set(), call())
    return cloud.addresses.size === 0
  })
  expect(cloud.addresses.size).toBe(0)
})

test("the user's own address is given and never released", async () => {
  const world = await Ec2World.open()
  const { cloud } = world
  cloud.addresses.set('eipalloc-9', {
    allocation: 'eipalloc-9',
    ip: '198.51.100.9',
    tags: {},
    association: undefined,
  })
  const first = world.spec({ elasticIp: '198.51.100.9' })
  await world.start(first)
  await world.list()
  expect(cloud.addresses.get('eipalloc-9')!.association?.machine.id).toBe(first.id)
  const second = world.spec({ elasticIp: 'eipalloc-9' })
  await world.start(second)
  const details = new Map((await world.list()).map(({ detail, id }) => [id, detail]))
  expect(details.get(second.id)).toContain('no address: AssociateAddress: Resource.AlreadyAssociated')
  await world.stop(first.id)
  await world.list()
  expect(cloud.addresses.get('eipalloc-9')!.association?.machine.id).toBe(second.id)
})

test('disks that outlive their machine are swept; disks of living ones and of others are not', async () => {
  const world = await Ec2World.open()
  const { cloud } = world
  const spec = world.spec()
  await world.start(spec)
  const left = cloud.name('vol')
  const others = cloud.name('vol')
  const volume = (id: string, tags: Record<string, string>) =>
    cloud.volumes.set(id, { id, tags, deleteOnTermination: false, device: '', machine: undefined })
  volume(left, { 'rouse.cluster': cluster, 'rouse.instance': 'rouse-gone' })
  volume(others, { 'rouse.cluster': 'other', 'rouse.instance': 'rouse-gone' })
  await world.backend.sweep(new Set(), call())
  const [root] = [...cloud.volumes.values()].filter(({ machine }) => machine)
  expect([...cloud.volumes.keys()].sort()).toEqual([root!.id, others].sort())
})

function userVolume(cloud: FakeEc2): string {
  const id = cloud.name('vol')
  cloud.volumes.set(id, { id, tags: {}, deleteOnTermination: false, device: '', machine: undefined })
  return id
}

/** Lists, as a master does, until it is so. */
async function until(world: Ec2World, probe: () => boolean | Promise<boolean>): Promise<void> {
  const signal = AbortSignal.timeout(10_000)
  while (!(await probe())) {
    signal.throwIfAborted()
    await world.list()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
