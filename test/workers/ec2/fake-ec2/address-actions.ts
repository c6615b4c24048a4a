import type { Action, FakeAddress, FakeEc2 } from './fake-ec2.ts'
import { Ec2Refusal } from './fake-fault.ts'
import { machinesIn } from './instance-actions.ts'
import { matches, tagsFor, text, type Query } from './query.ts'
import { tagSet } from './xml.ts'

export const addressActions: Readonly<Record<string, Action>> = {
  AllocateAddress(cloud, query) {
    const allocation = cloud.name('eipalloc')
    const ip = `198.51.100.${cloud.addresses.size + 1}`
    cloud.addresses.set(allocation, {
      allocation,
      ip,
      tags: tagsFor(query, 'elastic-ip'),
      association: undefined,
    })
    return { publicIp: ip, allocationId: allocation, domain: 'vpc' }
  },

  DescribeAddresses(cloud, query) {
    const found = [...cloud.addresses.values()].filter((address) =>
      matches(query, address.tags, { 'instance-id': machineOf(cloud, address)?.ref }),
    )
    return {
      addressesSet: found.map((address) => ({
        allocationId: address.allocation,
        publicIp: address.ip,
        instanceId: machineOf(cloud, address)?.ref,
        associationId: machineOf(cloud, address) && address.association?.id,
        tagSet: tagSet(address.tags),
      })),
    }
  },

  AssociateAddress(cloud, query) {
    const address = addressIn(cloud, query)
    const [machine] = machinesIn(cloud, { InstanceId: { 1: text(query, 'InstanceId') } })
    if (machine!.stateAt(cloud.clock.now()) !== 'running')
      throw new Ec2Refusal(
        'IncorrectInstanceState',
        `The pending instance '${machine!.ref}' is not in a valid state`,
      )
    const other = machineOf(cloud, address)
    if (other && text(query, 'AllowReassociation') !== 'true')
      throw new Ec2Refusal(
        'Resource.AlreadyAssociated',
        `${address.allocation} is associated with ${other.ref}`,
      )
    address.association = { id: cloud.name('eipassoc'), machine: machine! }
    return { return: true, associationId: address.association.id }
  },

  DisassociateAddress(cloud, query) {
    const id = text(query, 'AssociationId')
    const address = [...cloud.addresses.values()].find(({ association }) => association?.id === id)
    if (!address) throw new Ec2Refusal('InvalidAssociationID.NotFound')
    address.association = undefined
    return { return: true }
  },

  ReleaseAddress(cloud, query) {
    const address = addressIn(cloud, query)
    if (machineOf(cloud, address)) throw new Ec2Refusal('InvalidIPAddress.InUse')
    cloud.addresses.delete(address.allocation)
    return { return: true }
  },
}

// A machine that has ended has let go of it.
function machineOf(cloud: FakeEc2, { association }: FakeAddress) {
  const machine = association?.machine
  return machine && machine.stateAt(cloud.clock.now()) !== 'terminated' ? machine : undefined
}

function addressIn(cloud: FakeEc2, query: Query): FakeAddress {
  const id = text(query, 'AllocationId')
  const ip = text(query, 'PublicIp')
  const address = [...cloud.addresses.values()].find((one) => one.allocation === id || one.ip === ip)
  if (!address)
    throw new Ec2Refusal('InvalidAllocationID.NotFound', `The allocation ID '${id}' does not exist`)
  return address
}
