import type { Action, FakeEc2, FakeVolume } from './fake-ec2.ts'
import { Ec2Refusal } from './fake-fault.ts'
import { machinesIn, paged } from './instance-actions.ts'
import { matches, text, type Query } from './query.ts'
import { tagSet } from './xml.ts'

export const volumeActions: Readonly<Record<string, Action>> = {
  DescribeVolumes(cloud, query) {
    const found = [...cloud.volumes.values()].filter((volume) =>
      matches(query, volume.tags, { status: statusOf(cloud, volume) }),
    )
    const { nextToken, page } = paged(cloud, query, found)
    return {
      volumeSet: page.map((volume) => ({
        volumeId: volume.id,
        status: statusOf(cloud, volume),
        tagSet: tagSet(volume.tags),
      })),
      nextToken,
    }
  },

  AttachVolume(cloud, query) {
    const volume = volumeIn(cloud, query)
    const [machine] = machinesIn(cloud, { InstanceId: { 1: text(query, 'InstanceId') } })
    if (machine!.stateAt(cloud.clock.now()) !== 'running')
      throw new Ec2Refusal('IncorrectState', `The instance ${machine!.ref} is not 'running'.`)
    if (statusOf(cloud, volume) === 'in-use')
      throw new Ec2Refusal('VolumeInUse', `${volume.id} is already attached to an instance`)
    volume.machine = machine
    volume.device = text(query, 'Device')!
    return { volumeId: volume.id, instanceId: machine!.ref, device: volume.device, status: 'attaching' }
  },

  DeleteVolume(cloud, query) {
    const volume = volumeIn(cloud, query)
    if (statusOf(cloud, volume) === 'in-use') throw new Ec2Refusal('VolumeInUse')
    cloud.volumes.delete(volume.id)
    return { return: true }
  },

  DescribeNetworkInterfaces: () => ({ networkInterfaceSet: [] }),
}

function volumeIn(cloud: FakeEc2, query: Query): FakeVolume {
  const id = text(query, 'VolumeId')!
  const volume = cloud.volumes.get(id)
  if (!volume) throw new Ec2Refusal('InvalidVolume.NotFound', `The volume '${id}' does not exist.`)
  return volume
}

function statusOf(cloud: FakeEc2, { machine }: FakeVolume): string {
  return machine && cloud.living.includes(machine) ? 'in-use' : 'available'
}
