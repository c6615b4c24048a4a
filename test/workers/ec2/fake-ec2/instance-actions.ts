import type { Action, FakeEc2 } from './fake-ec2.ts'
import { Ec2Refusal } from './fake-fault.ts'
import { imagesAt, stateAt } from './fake-image.ts'
import { FakeMachine } from './fake-machine.ts'
import { items, matches, tagsFor, text, texts, type Query } from './query.ts'
import type { Xml } from './xml.ts'

/** Machines and what is asked for them. */
export const instanceActions: Readonly<Record<string, Action>> = {
  RunInstances(cloud, query, fault) {
    const token = text(query, 'ClientToken') ?? ''
    const request = JSON.stringify({ ...query, ClientToken: '' })
    const known = cloud.tokens.get(token)
    if (known) {
      if (known.request !== request)
        throw new Ec2Refusal(
          'IdempotentParameterMismatch',
          'Arguments on this idempotent request are inconsistent with arguments used in previous request(s).',
        )
      if (known.machine.endedAt !== undefined && cloud.endedToken === 'error')
        throw new Ec2Refusal('IdempotentInstanceTerminated', `${known.machine.ref} is terminated`)
      return answerOf(cloud, [known.machine])
    }
    check(cloud, query)
    const machine = create(cloud, query, fault.lateBy)
    cloud.tokens.set(token, { request, machine })
    if (fault.twice) create(cloud, query, fault.lateBy)
    const crash = fault.crash ?? cloud.broken.get(machine.o.image)
    if (crash !== undefined) machine.end(cloud.clock.now(), crash, 'The fake has ended it')
    return answerOf(cloud, [machine])
  },

  DescribeInstances(cloud, query) {
    const now = cloud.listedAt
    const wanted = texts(query, 'InstanceId')
    const found = [...cloud.machines].filter(
      (machine) =>
        machine.o.createdAt <= now &&
        machine.o.shownAt <= cloud.clock.now() &&
        (wanted.length === 0 || wanted.includes(machine.ref)) &&
        matches(query, machine.tags, {
          'instance-state-name': machine.stateAt(now),
          'instance-id': machine.ref,
          'client-token': machine.o.token,
        }),
    )
    const { page, nextToken } = paged(cloud, query, found)
    return {
      reservationSet: page.map((machine) => ({
        reservationId: `r-${machine.ref}`,
        instancesSet: [machine.asXml(now, volumesOf(cloud, machine))],
      })),
      nextToken,
    }
  },

  TerminateInstances(cloud, query) {
    const machines = machinesIn(cloud, query)
    const locked = machines.filter(({ ref }) => cloud.locked.has(ref))
    // A locked one saves those of its zone; there is one zone per subnet here.
    const saved = (machine: FakeMachine) => locked.some(({ o }) => o.subnet === machine.o.subnet)
    const answer = changed(
      cloud,
      machines.filter((machine) => !saved(machine)),
      (machine) => machine.end(cloud.clock.now(), 'Client.UserInitiatedShutdown', 'User initiated shutdown'),
    )
    if (locked.length === 0) return answer
    throw new Ec2Refusal(
      'OperationNotPermitted',
      `The instance '${locked[0]!.ref}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`,
    )
  },

  CreateTags(cloud, query) {
    for (const ref of texts(query, 'ResourceId')) {
      const machine = [...cloud.machines].find((one) => one.ref === ref)
      if (!machine)
        throw new Ec2Refusal('InvalidInstanceID.NotFound', `The instance ID '${ref}' does not exist`)
      for (const tag of items(query, 'Tag')) machine.tags[text(tag, 'Key')!] = text(tag, 'Value') ?? ''
    }
    return { return: true }
  },

  DescribeSpotInstanceRequests(cloud) {
    return {
      spotInstanceRequestSet: [...cloud.notices].map(([machine, message]) => ({
        spotInstanceRequestId: `sir-${machine.ref}`,
        instanceId: machine.ref,
        state: 'active',
        status: { code: 'marked-for-termination', message },
      })),
    }
  },
}

export function machinesIn(cloud: FakeEc2, query: Query): FakeMachine[] {
  return texts(query, 'InstanceId').map((ref) => {
    const machine = [...cloud.machines].find((one) => one.ref === ref)
    // A machine that is not listed yet is not known to the other calls either.
    if (machine && machine.o.createdAt <= cloud.listedAt) return machine
    throw new Ec2Refusal('InvalidInstanceID.NotFound', `The instance ID '${ref}' does not exist`)
  })
}

export function paged<T>(
  cloud: FakeEc2,
  query: Query,
  found: readonly T[],
): { page: T[]; nextToken: string | undefined } {
  const size = Math.min(Number(text(query, 'MaxResults') ?? 1000), cloud.o.pageSize ?? 1000)
  const from = Number(text(query, 'NextToken')?.slice('next-'.length) ?? 0)
  const end = from + size
  return { page: found.slice(from, end), nextToken: end < found.length ? `next-${end}` : undefined }
}

function check(cloud: FakeEc2, query: Query): void {
  const image = text(query, 'ImageId')!
  const subnet = text(query, 'SubnetId')
  const type = text(query, 'InstanceType')!
  const spot = text(query, 'InstanceMarketOptions', 'MarketType') === 'spot'
  const now = cloud.clock.now()
  if (!imagesAt(cloud.images, now).some((one) => one.id === image && stateAt(one, now) === 'available'))
    throw new Ec2Refusal('InvalidAMIID.NotFound', `The image id '[${image}]' does not exist`)
  if (subnet !== undefined && !cloud.subnets.includes(subnet))
    throw new Ec2Refusal('InvalidSubnetID.NotFound', `The subnet ID '${subnet}' does not exist`)
  if (!/^[a-z][a-z0-9-]*\.[a-z0-9]+$/.test(type))
    throw new Ec2Refusal('InvalidParameterValue', `Invalid value '${type}' for InstanceType.`)
  if (text(query, 'MetadataOptions', 'HttpTokens') !== 'required')
    throw new Ec2Refusal('HttpTokensEnforced', 'this account wants version 2 of the metadata service')
  if (spot && cloud.full.has('spot'))
    throw new Ec2Refusal('MaxSpotInstanceCountExceeded', 'Max spot instance count exceeded')
  checkRoom(cloud, type, subnet)
}

export function checkRoom(cloud: FakeEc2, type: string, subnet: string | undefined): void {
  if (cloud.full.has('all') || cloud.full.has(type) || cloud.full.has(`${type} ${subnet}`))
    throw new Ec2Refusal(
      'InsufficientInstanceCapacity',
      `We currently do not have sufficient ${type} capacity in the Availability Zone you requested.`,
      500,
    )
}

function create(cloud: FakeEc2, query: Query, lateBy = 0): FakeMachine {
  const createdAt = cloud.clock.now()
  const { bootMs = 0, shutdownMs = 0 } = cloud.o
  const machine = new FakeMachine({
    ref: cloud.name('i'),
    type: text(query, 'InstanceType')!,
    image: text(query, 'ImageId')!,
    subnet: text(query, 'SubnetId') ?? 'subnet-default',
    spot: text(query, 'InstanceMarketOptions', 'MarketType') === 'spot',
    token: text(query, 'ClientToken') ?? '',
    request: query,
    userData: Buffer.from(text(query, 'UserData') ?? '', 'base64').toString(),
    tags: tagsFor(query, 'instance'),
    createdAt,
    runsAt: createdAt + bootMs,
    shownAt: createdAt + lateBy,
    shutdownMs,
  })
  cloud.machines.add(machine)
  const devices = items(query, 'BlockDeviceMapping')
  for (const device of devices.length > 0 ? devices : [{ DeviceName: '/dev/xvda' } as Query]) {
    const id = cloud.name('vol')
    cloud.volumes.set(id, {
      id,
      tags: tagsFor(query, 'volume'),
      deleteOnTermination: devices.length === 0 || text(device, 'Ebs', 'DeleteOnTermination') === 'true',
      device: text(device, 'DeviceName')!,
      machine,
    })
  }
  cloud.power(machine)
  return machine
}

function answerOf(cloud: FakeEc2, machines: readonly FakeMachine[]): Xml {
  const now = cloud.clock.now()
  return {
    reservationId: 'r-1',
    ownerId: '1',
    instancesSet: machines.map((machine) => machine.asXml(now, volumesOf(cloud, machine))),
  }
}

export function changed(
  cloud: FakeEc2,
  machines: readonly FakeMachine[],
  change: (machine: FakeMachine) => void,
): Xml {
  const now = cloud.clock.now()
  return {
    instancesSet: machines.map((machine) => {
      const before = machine.stateAt(now)
      change(machine)
      return {
        instanceId: machine.ref,
        currentState: { name: machine.stateAt(now) },
        previousState: { name: before },
      }
    }),
  }
}

function volumesOf(cloud: FakeEc2, machine: FakeMachine) {
  return [...cloud.volumes.values()].filter((volume) => volume.machine === machine)
}
