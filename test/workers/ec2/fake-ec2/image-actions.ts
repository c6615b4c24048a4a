import type { Action, FakeEc2 } from './fake-ec2.ts'
import { Ec2Refusal } from './fake-fault.ts'
import { imagesAt, stateAt, type FakeImage } from './fake-image.ts'
import { machinesIn, paged } from './instance-actions.ts'
import { items, matches, tagsFor, text, texts } from './query.ts'
import { tagSet } from './xml.ts'

/** Images and their snapshots. */
export const imageActions: Readonly<Record<string, Action>> = {
  DescribeImages(cloud, query) {
    const now = cloud.listedAt
    const owners = texts(query, 'Owner').map((owner) => (owner === 'self' ? self : owner))
    const wanted = texts(query, 'ImageId')
    for (const id of wanted)
      if (!imagesAt(cloud.images, now).some((one) => one.id === id)) throw absent(cloud, id)
    const found = imagesAt(cloud.images, now).filter((image) => {
      const { architecture, id, made, name, owner } = image
      const attributes = { architecture, name, state: stateAt(image, now) }
      const asked = wanted.length === 0 ? owners.length === 0 || owners.includes(owner) : wanted.includes(id)
      return asked && matches(query, made?.tags ?? {}, attributes)
    })
    const { nextToken, page } = paged(cloud, query, found)
    return { imagesSet: page.map((image) => asXml(image, now)), nextToken }
  },

  CreateImage(cloud, query, fault) {
    const [machine] = machinesIn(cloud, { InstanceId: { 1: text(query, 'InstanceId') } })
    const now = cloud.clock.now()
    const name = text(query, 'Name')!
    if (machine!.stateAt(now) !== 'stopped')
      throw new Ec2Refusal('IncorrectState', `${machine!.ref} runs: what is on its disk is not whole`)
    if (imagesAt(cloud.images, now).some((image) => image.name === name))
      throw new Ec2Refusal('InvalidAMIName.Duplicate', `AMI name ${name} is already in use`)
    const snapshot = cloud.name('snap')
    cloud.snapshots.set(snapshot, { id: snapshot, tags: tagsFor(query, 'snapshot'), at: now })
    const id = cloud.name('ami')
    const made = {
      tags: tagsFor(query, 'image'),
      machine: machine!,
      snapshot,
      at: now,
      readyAt: now + (cloud.o.imageMs ?? 0),
      failure: fault.crash,
      without: items(query, 'BlockDeviceMapping').map((device) => text(device, 'DeviceName')!),
      goneAt: Infinity,
    }
    const created = new Date(now).toISOString()
    cloud.images.push({ id, name, owner: self, architecture: 'x86_64', created, made })
    return { imageId: id }
  },

  DeregisterImage(cloud, query) {
    const id = text(query, 'ImageId')!
    const image = imagesAt(cloud.images, cloud.clock.now()).find((one) => one.id === id)
    if (!image?.made) throw absent(cloud, id)
    image.made.goneAt = cloud.clock.now()
    return { return: true }
  },

  DescribeSnapshots(cloud, query) {
    const found = [...cloud.snapshots.values()].filter(
      ({ at, tags }) => at <= cloud.listedAt && matches(query, tags, {}),
    )
    const { nextToken, page } = paged(cloud, query, found)
    return { snapshotSet: page.map(({ id, tags }) => ({ snapshotId: id, tagSet: tagSet(tags) })), nextToken }
  },

  DeleteSnapshot(cloud, query) {
    const id = text(query, 'SnapshotId')!
    if (!cloud.snapshots.has(id))
      throw new Ec2Refusal('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`)
    // It hears late of what is no more.
    const user = [
      ...imagesAt(cloud.images, cloud.listedAt),
      ...imagesAt(cloud.images, cloud.clock.now()),
    ].find(({ made }) => made?.snapshot === id)
    if (user || cloud.used.has(id))
      throw new Ec2Refusal('InvalidSnapshot.InUse', `The snapshot ${id} is currently in use by ${user?.id}`)
    cloud.snapshots.delete(id)
    return { return: true }
  },
}

function asXml(image: FakeImage, now: number) {
  const { architecture, created, id, made, name, owner } = image
  const state = stateAt(image, now)
  // A pending one does not tell what it is made of.
  const ebs = state === 'pending' || !made ? {} : { snapshotId: made.snapshot }
  return {
    imageId: id,
    name,
    architecture,
    creationDate: created,
    imageOwnerId: owner,
    imageState: state,
    rootDeviceName: '/dev/xvda',
    blockDeviceMapping: [{ deviceName: '/dev/xvda', ebs }],
    ...(made && { tagSet: tagSet(made.tags) }),
    ...(state === 'failed' && { stateReason: { code: 'Server.InternalError', message: made!.failure! } }),
  }
}

function absent({ images }: FakeEc2, id: string): Ec2Refusal {
  const known = images.some((image) => image.id === id)
  return new Ec2Refusal(
    known ? 'InvalidAMIID.Unavailable' : 'InvalidAMIID.NotFound',
    `The image id '[${id}]' does not exist`,
  )
}

const self = '000000000001'
