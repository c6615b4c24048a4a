import { expect, test } from 'vitest'
import { image } from '../../../src/config/image.ts'
import type { LatentDescription } from '../../../src/latent/latent-worker.ts'
import { secret } from '../../../src/model/secret.ts'
import { Ec2Backend } from '../../../workers/ec2/ec2-backend.ts'
import { ec2Worker } from '../../../workers/ec2/index.ts'
import { openstackWorker } from '../../../workers/openstack/index.ts'
import { OpenStackBackend } from '../../../workers/openstack/openstack-backend.ts'
import { FakeEc2 } from '../../workers/ec2/fake-ec2/fake-ec2.ts'
import { serveFakeEc2 } from '../../workers/ec2/fake-ec2/serve-fake-ec2.ts'
import { FakeOpenStack } from '../../workers/openstack/fake-openstack/fake-openstack.ts'
import { serveFakeOpenStack } from '../../workers/openstack/fake-openstack/serve-fake-openstack.ts'
import { authAt } from '../../workers/openstack/open-openstack-backend.ts'
import { CloudEngineWorld } from '../cloud-engine-world.ts'

const at = ['asked', 'done'] as const

test.for(
  ['StopInstances', 'CreateImage', 'DescribeImages'].flatMap((action) =>
    at.map((when) => [action, when] as const),
  ),
)(
  'a master that is killed when %s is %s while it keeps an image of EC2 leaves it to the next, and nothing half-made stays',
  async ([action, when]) => {
    const world = await ec2World()
    try {
      await killedAt(world, action, when, action === 'StopInstances' ? action : 'CreateImage')
      await world.startMaster()
      const ref = await used(world)
      const made = () => world.cloud.images.filter(({ made }) => made?.goneAt === Infinity)
      await world.until('only one image', () => made().length === 1 && world.cloud.snapshots.size === 1)
      expect(made()[0]).toMatchObject({ id: ref })
      await built(world)
      expect([...world.cloud.machines].at(-1)!.o.image).toBe(ref)
    } finally {
      await world.close()
    }
  },
)

test.for(
  ['stopServer', 'createImage', 'getImage'].flatMap((action) => at.map((when) => [action, when] as const)),
)(
  'a master that is killed when %s is %s while it keeps an image of OpenStack leaves it to the next, and nothing half-made stays',
  async ([action, when]) => {
    const world = await openStackWorld()
    try {
      await killedAt(world, action, when, 'stopServer')
      await world.startMaster()
      const ref = await used(world)
      const made = () => world.cloud.images.filter(({ made }) => made)
      await world.until('only one image', () => made().length === 1)
      expect(made()[0]).toMatchObject({ id: ref })
      await built(world)
      expect([...world.cloud.servers.values()].at(-1)!.image).toBe(ref)
    } finally {
      await world.close()
    }
  },
)

test('a master that is killed while it removes what a killed master has left of an image of EC2 leaves it to the next', async () => {
  const world = await ec2World()
  try {
    await killedAt(world, 'CreateImage', 'done', 'CreateImage')
    await world.startMaster()
    await killedAt(world, 'DeregisterImage', 'done', 'DeregisterImage')
    await world.startMaster()
    await used(world)
    await world.until('only one snapshot', () => world.cloud.snapshots.size === 1)
    expect(world.cloud.images.filter(({ made }) => made?.goneAt === Infinity)).toHaveLength(1)
  } finally {
    await world.close()
  }
})

test('what a killed master has left of an image is removed', async () => {
  const world = await ec2World()
  try {
    await used(world)
    const { cloud } = world
    const [{ made } = { made: undefined }] = cloud.images.filter((one) => one.made)
    const tags = { ...made!.tags, 'rouse.kept': 'ci@0000000000000000' }
    cloud.snapshots.set('snap-left', { id: 'snap-left', tags, at: cloud.clock.now() })
    const others = { ...tags, 'rouse.cluster': 'another' }
    cloud.snapshots.set('snap-other', { id: 'snap-other', tags: others, at: cloud.clock.now() })
    await world.until('its end', () => !cloud.snapshots.has('snap-left'))
    expect([...cloud.snapshots.keys()]).toEqual([made!.snapshot, 'snap-other'])
  } finally {
    await world.close()
  }
})

type World = CloudEngineWorld<FakeEc2> | CloudEngineWorld<FakeOpenStack>

/** Runs until such a call is made, after the first one of `begin`; then the master is gone. */
async function killedAt(world: World, action: string, when: string, begin: string): Promise<void> {
  const { cloud } = world
  let begun = false
  let reached = false
  cloud.witness = (call: { readonly action: string }, moment: string) => {
    begun ||= call.action === begin
    reached ||= begun && call.action === action && moment === when
  }
  await world.until(action, () => reached, { step: 100 })
  cloud.witness = () => {}
  await world.kill()
}

/** What the backend calls the image, once its name stands for it. */
async function used(world: World): Promise<string> {
  const find = async () => {
    const { db } = world.database
    const name = await db.selectFrom('image_names').select('used').executeTakeFirst()
    const row = await db.selectFrom('images').selectAll().executeTakeFirst()
    if (row?.state === 'failed') throw new Error(row.error ?? 'failed')
    return name?.used ? row!.ref! : undefined
  }
  return await world.until('the image', find)
}

async function built(world: World): Promise<void> {
  const request = await world.master.force('unit')
  const isDone = async () => (await world.builds()).find((one) => one.request_id === request)?.result
  expect(await world.until('the build', isDone)).toBe('SUCCESS')
}

const ci = image('ci', { from: 'debian-13', provision: ['write tools'] })
const common = { image: ci, listLag: 3, buildWaitTimeout: 0 }

function ec2World() {
  return CloudEngineWorld.open<FakeEc2>({
    cloud: (o) => new FakeEc2({ ...o, lag: 1000, bootMs: 2000, shutdownMs: 1000, imageMs: 20_000 }),
    serve: serveFakeEc2,
    images: [{ ...ci, from: '111122223333/debian-13-amd64-*' }],
    worker: (endpoint, clock) => {
      const credentials = { accessKeyId: 'AKIDFAKE', secretAccessKey: secret('AWS') }
      const connection = { region: 'eu-test-1', endpoint, credentials, listLag: 3 }
      const { image: ami, ...rest } = common
      const worker = ec2Worker('cloud', { ami, instanceType: 'c7i.large', ...rest, ...connection })
      return opening(worker, (context) =>
        Ec2Backend.open(connection, { ...context, readSecret: () => 'not-a-secret' }, clock),
      )
    },
  })
}

function openStackWorld() {
  return CloudEngineWorld.open<FakeOpenStack>({
    cloud: (o) => new FakeOpenStack({ ...o, bootMs: 2000, deleteMs: 1000, stopMs: 3000, imageMs: 20_000 }),
    serve: serveFakeOpenStack,
    images: [ci],
    worker: (url, clock) => {
      const connection = { auth: authAt(url), listLag: 3 }
      const worker = openstackWorker('cloud', { flavor: 'm1.small', ...common, ...connection })
      return opening(worker, (context) =>
        OpenStackBackend.open(connection, { ...context, readSecret: () => 'right' }, clock),
      )
    },
  })
}

function opening<T, W extends LatentDescription<T>>(worker: W, open: W['backend']['open']): W {
  return { ...worker, backend: { ...worker.backend, open } }
}
