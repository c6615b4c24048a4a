import { expect, test } from 'vitest'
import { call } from '../../backends/contract/contract-context.ts'
import { cluster, Ec2World } from './ec2-world.ts'
import { lostAnswer } from './fake-ec2/fake-fault.ts'

test('one call starts a machine with all its stamps, which ends for good when it powers itself off', async () => {
  const world = await Ec2World.open()
  const spec = world.spec({
    subnetId: 'subnet-1',
    securityGroupIds: ['sg-1'],
    keypairName: 'ana',
    instanceProfileName: 'builder',
    placement: { availabilityZone: 'fake-1a', tenancy: 'dedicated' },
    blockDeviceMap: [{ deviceName: '/dev/xvda', size: 40, type: 'gp3', encrypted: true }],
    tags: { team: 'web' },
    spot: { maxPrice: 0.05 },
  })
  await world.start(spec)
  expect(world.actions()).toEqual(['RunInstances'])
  const [machine] = world.cloud.living
  const { TagSpecification, UserData, ...request } = machine!.o.request as Record<string, any>
  expect(request).toMatchObject({
    ClientToken: spec.id,
    ImageId: 'ami-0aaa',
    InstanceType: 'c7i.large',
    InstanceInitiatedShutdownBehavior: 'terminate',
    MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: '1' },
    SubnetId: 'subnet-1',
    SecurityGroupId: { 1: 'sg-1' },
    KeyName: 'ana',
    IamInstanceProfile: { Name: 'builder' },
    Placement: { AvailabilityZone: 'fake-1a', Tenancy: 'dedicated' },
    BlockDeviceMapping: {
      1: {
        DeviceName: '/dev/xvda',
        Ebs: { DeleteOnTermination: 'true', VolumeSize: '40', VolumeType: 'gp3', Encrypted: 'true' },
      },
    },
    InstanceMarketOptions: {
      MarketType: 'spot',
      SpotOptions: { MaxPrice: '0.05', SpotInstanceType: 'one-time' },
    },
  })
  const kinds = Object.values(TagSpecification as object).map((one: any) => one.ResourceType)
  expect(kinds).toEqual(['instance', 'volume', 'network-interface', 'spot-instances-request'])
  expect(machine!.tags).toEqual({
    Name: spec.id,
    team: 'web',
    'rouse.cluster': cluster,
    'rouse.worker': 'cloud',
    'rouse.instance': spec.id,
    'rouse.name': 'cloud/1',
    'rouse.generation': '1',
    'rouse.expires': '2026-12-24T18:00:00.000Z',
    'rouse.image': 'ami-0aaa',
  })
  expect(Buffer.from(UserData, 'base64').toString()).toMatch(/^#!\/bin\/sh\n[^]*a-token/)
})

test.each([
  ['lost', lostAnswer],
  ['an error', { done: true, error: { code: 'InternalError', status: 500 } }],
])('a start that has worked and whose answer was %s makes no second machine', async (_, fault) => {
  const world = await Ec2World.open()
  world.cloud.plan('RunInstances', fault)
  const spec = world.spec()
  expect(await world.refusal(spec)).not.toHaveProperty('code', 'REJECTED')
  const { ref } = await world.start(spec)
  expect(world.cloud.living.map((machine) => machine.ref)).toEqual([ref])
})

test('types, subnets and markets are tried in order until there is room', async () => {
  const world = await Ec2World.open()
  world.cloud.full.add('spot').add('c7i.xlarge').add('c7i.large subnet-1')
  const options = {
    instanceType: ['c7i.xlarge', 'c7i.large'],
    subnetId: ['subnet-1', 'subnet-2'],
    spot: { fallback: true },
  }
  await world.start(world.spec(options))
  expect(world.cloud.living.map(({ o }) => [o.type, o.subnet, o.spot])).toEqual([
    ['c7i.large', 'subnet-2', false],
  ])
  world.cloud.full.add('c7i.large subnet-2')
  const { code, message } = await world.refusal(world.spec(options))
  expect(code).toBe('CAPACITY')
  expect(message).toMatch(
    /^c7i.xlarge spot in subnet-1: .*MaxSpotInstanceCountExceeded.*; c7i.large in subnet-2: .*Insufficient/,
  )
})

test('a lost answer of the second type is found again when the first has room meanwhile', async () => {
  const world = await Ec2World.open()
  const { cloud } = world
  const spec = world.spec({ instanceType: ['c7i.xlarge', 'c7i.large'] })
  cloud.full.add('c7i.xlarge')
  cloud.plan('RunInstances', {}, lostAnswer)
  await expect(world.start(spec)).rejects.toThrow()
  cloud.full.clear()
  const { ref } = await world.start(spec)
  expect(cloud.living.map((machine) => [machine.ref, machine.o.type])).toEqual([[ref, 'c7i.large']])

  await world.restart()
  expect((await world.start(spec)).ref).toBe(ref)
  expect(cloud.living).toHaveLength(1)
})

test('a start that is repeated with a newer image finds the machine of the first', async () => {
  const world = await Ec2World.open()
  const spec = world.spec({ ami: { owners: ['111122223333'], name: 'debian-13-amd64-*' } })
  world.cloud.plan('RunInstances', lostAnswer)
  await expect(world.start(spec)).rejects.toThrow()
  world.cloud.images.push({ ...world.cloud.images[0]!, id: 'ami-0new', created: '2026-12-01T00:00:00.000Z' })
  await world.restart()
  const { ref } = await world.start(spec)
  expect(world.cloud.living.map((machine) => [machine.ref, machine.o.image])).toEqual([[ref, 'ami-0bbb']])
})

test('the newest image that matches is taken, said, and looked for once', async () => {
  const world = await Ec2World.open({ pageSize: 2 })
  const ami = { owners: ['111122223333'], name: 'debian-13-amd64-*', architecture: 'x86_64' }
  const started = await Promise.all([1, 2, 3].map(() => world.start(world.spec({ ami }))))
  expect(world.actions().sort()).toEqual([
    'DescribeImages',
    'DescribeImages',
    'RunInstances',
    'RunInstances',
    'RunInstances',
  ])
  expect(started[0]!.detail).toBe('c7i.large, fake-1a, ami-0bbb (debian-13-amd64-20260301), 203.0.113.9')
})

test('what AWS throttles is sent again more slowly, and said when it does not end', async () => {
  const world = await Ec2World.open()
  const throttle = { error: { code: 'RequestLimitExceeded', status: 503 } }
  world.cloud.plan('RunInstances', throttle, throttle)
  await world.start(world.spec())
  expect(world.actions()).toEqual(['RunInstances', 'RunInstances', 'RunInstances'])
  world.cloud.chance = () => throttle
  const never = world.backend.start(world.spec(), { signal: AbortSignal.timeout(500) })
  await expect(never).rejects.toMatchObject({
    code: 'CAPACITY',
    message: expect.stringContaining('RequestLimitExceeded'),
  })
})

test.each<[string, string, string, RegExp]>([
  ['a quota', 'VcpuLimitExceeded', 'CAPACITY', /VcpuLimitExceeded/],
  ['a type that the zone does not have', 'Unsupported', 'REJECTED', /Unsupported/],
  ['too many tags', 'TagLimitExceeded', 'REJECTED', /TagLimitExceeded/],
  ['a failure of AWS', 'InternalError', 'InternalError', /request request-\d/],
  ['credentials that have expired', 'RequestExpired', 'RequestExpired', /credentials have expired/],
])('%s is said with whose fault it is', async (_, code, verdict, message) => {
  const world = await Ec2World.open()
  world.cloud.plan('RunInstances', { error: { code, message: 'no' } })
  expect(await world.refusal(world.spec())).toEqual({
    code: verdict,
    message: expect.stringMatching(message),
  })
})

test('a permission that is missing is named', async () => {
  const world = await Ec2World.open()
  world.cloud.denied.add('RunInstances').add('DescribeInstances')
  const { code, message } = await world.refusal(world.spec())
  expect(code).toBe('REJECTED')
  expect(message).toContain("The master's credentials need the permission ec2:RunInstances")
  await expect(world.list()).rejects.toThrow('need the permission ec2:DescribeInstances')
})

test('a machine that could not reach the master or take its user data is rejected', async () => {
  const world = await Ec2World.open()
  const agentOf = (...masters: string[]) => ({ agent: { file: '', sha256: '', masters } })
  expect(await world.refusal(world.spec({}, agentOf('unix:/run/rouse.sock')))).toMatchObject({
    code: 'REJECTED',
    message: expect.stringMatching(/^agentUrl: /),
  })
  const many = Array.from({ length: 400 }, (_, i) => `wss://master-${i}.ci.example.com:8010`)
  expect(await world.refusal(world.spec({}, agentOf(...many)))).toMatchObject({
    code: 'REJECTED',
    message: expect.stringMatching(/^its user data has \d+ bytes, and EC2 takes 16384 at most/),
  })
  expect(world.actions()).toEqual([])
})

test('a spot instance that AWS is about to take back, or has taken, is shown as failed', async () => {
  const world = await Ec2World.open()
  const { cloud } = world
  const spec = world.spec({ spot: true })
  await world.start(spec)
  expect(await world.list()).toMatchObject([{ state: 'running', detail: expect.stringContaining('(spot)') }])
  const [machine] = cloud.living
  cloud.notices.set(machine!, 'It is marked for termination.')
  expect(await world.list()).toMatchObject([
    { state: 'failed', detail: expect.stringMatching(/^AWS takes the spot instance back: It is marked/) },
  ])
  cloud.notices.clear()
  machine!.end(cloud.clock.now(), 'Server.SpotInstanceTermination', 'Spot instance termination')
  expect(await world.list()).toMatchObject([
    { state: 'failed', detail: expect.stringMatching(/^AWS took the spot instance back/) },
  ])
  await world.stop(spec.id)
  expect(await world.list()).toEqual([])
})

test('a machine that somebody has stopped is shown as that; one that somebody has ended is not there', async () => {
  const world = await Ec2World.open()
  const spec = world.spec()
  await world.start(spec)
  const [machine] = world.cloud.living
  machine!.stop(world.cloud.clock.now(), 'Client.UserInitiatedShutdown', 'User initiated shutdown')
  expect(await world.list()).toMatchObject([{ id: spec.id, state: 'stopped' }])
  machine!.end(world.cloud.clock.now(), 'Client.UserInitiatedShutdown', 'User initiated shutdown')
  expect(await world.list()).toEqual([])
})

test('a machine that is shutting down is not told so again and again', async () => {
  const world = await Ec2World.open({ shutdownMs: 60_000 })
  const spec = world.spec()
  await world.start(spec)
  await world.list()
  await world.stop(spec.id)
  for (let i = 0; i < 3; i++) {
    expect(await world.list()).toMatchObject([{ state: 'stopping' }])
    await world.stop(spec.id)
  }
  const actions = world.actions().filter((action) => action !== 'DescribeInstances')
  expect(actions).toEqual(['RunInstances', 'TerminateInstances'])
})

test('every bearer of an id is ended, also when one of them is gone', async () => {
  const world = await Ec2World.open()
  const { cloud } = world
  cloud.plan('RunInstances', { twice: true })
  const spec = world.spec()
  await world.start(spec)
  expect(await world.list()).toHaveLength(2)
  cloud.machines.delete(cloud.living[0]!)
  await world.backend.stop(spec.id, call())
  expect(cloud.living).toEqual([])
})

test('a machine that EC2 does not know of yet is ended all the same', async () => {
  const world = await Ec2World.open({ lag: 1000 }, { listLag: 5 })
  const spec = world.spec()
  await world.start(spec)
  await world.stop(spec.id)
  expect(world.cloud.living).toEqual([])
})
