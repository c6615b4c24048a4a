import { expect, test } from 'vitest'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { call } from '../../backends/contract/contract-context.ts'
import { lostAnswer } from './fake-openstack/fake-fault.ts'
import { cluster, OpenStackWorld } from './openstack-world.ts'

test('one call makes a server with all its stamps, options and user data', async () => {
  const world = await OpenStackWorld.open()
  const spec = world.spec(
    {
      networks: ['ci-net'],
      securityGroups: ['ci'],
      keyName: 'ci',
      availabilityZone: 'az1',
      serverGroup: 'apart',
      volume: { size: 40, type: 'ssd' },
      metadata: { team: 'web' },
    },
    { name: 'ü'.repeat(200) },
  )
  await world.start(spec)
  const [server] = world.cloud.living
  expect(server!.o.request).toEqual({
    server: {
      name: spec.id,
      flavorRef: '1',
      user_data: expect.any(String) as string,
      config_drive: true,
      block_device_mapping_v2: [
        {
          boot_index: 0,
          uuid: '11111111-0000-4000-8000-000000000001',
          source_type: 'image',
          destination_type: 'volume',
          volume_size: 40,
          volume_type: 'ssd',
          delete_on_termination: true,
        },
      ],
      networks: [{ uuid: '22222222-0000-4000-8000-000000000001' }],
      security_groups: [{ name: 'ci' }],
      key_name: 'ci',
      availability_zone: 'az1',
      metadata: {
        team: 'web',
        'rouse.cluster': cluster,
        'rouse.worker': 'cloud',
        'rouse.instance': spec.id,
        // 255 bytes at most, and no half letters.
        'rouse.name': 'ü'.repeat(127),
        'rouse.generation': '1',
        'rouse.expires': '2026-12-24T18:00:00.000Z',
      },
    },
    'os:scheduler_hints': { group: '33333333-0000-4000-8000-000000000001' },
  })
  expect(server!.o.userData).toMatch(/^#!\/bin\/sh\n[^]*a-token/)
})

test.each([
  ['lost', lostAnswer],
  ['an error', { done: true, error: { status: 504 } }],
])('a start that has worked and whose answer was %s makes no second server', async (_, fault) => {
  const world = await OpenStackWorld.open()
  world.cloud.plan('createServer', fault)
  const spec = world.spec()
  const { ref } = await world.start(spec)
  await world.restart()
  expect((await world.start(spec)).ref).toBe(ref)
  expect(world.cloud.living.map((server) => server.ref)).toEqual([ref])
})

test('a start that was given up while Nova thinks about it makes no second server', async () => {
  const world = await OpenStackWorld.open()
  world.cloud.plan('createServer', { delay: 300 })
  const spec = world.spec()
  await expect(world.backend.start(spec, { signal: AbortSignal.timeout(100) })).rejects.toThrow()
  await world.start(spec)
  expect(world.cloud.living).toHaveLength(1)
  await world.stop(spec.id)
  expect(world.cloud.living).toEqual([])
})

test('a double is removed by the next list, and the one that is kept is the same for every master', async () => {
  const world = await OpenStackWorld.open({ deleteMs: 500 })
  world.cloud.plan('createServer', { twice: true })
  const spec = world.spec()
  await world.start(spec)
  const [first] = [...world.cloud.servers.keys()].toSorted()
  expect(world.cloud.living).toHaveLength(2)
  const listed = await world.list()
  expect(listed.map(({ ref, state }) => ({ ref, state }))).toEqual([{ ref: first, state: 'running' }])
  expect(world.cloud.living.map(({ ref }) => ref)).toEqual([first])
  expect(await world.list()).toHaveLength(1)
})

test('a server that is not on a list is looked for once more before it counts as gone', async () => {
  const world = await OpenStackWorld.open()
  await world.start(world.spec())
  expect(await world.list()).toHaveLength(1)
  const [server] = world.cloud.living
  world.actions()
  Object.assign(server!.o, { shownAt: Infinity })
  world.cloud.witness = (_, when) => void (when === 'done' && Object.assign(server!.o, { shownAt: 0 }))
  expect(await world.list()).toHaveLength(1)
  expect(world.actions()).toEqual(['listServers', 'listServers'])
})

test.each([
  [
    'a quota',
    { status: 403, message: 'Quota exceeded for instances: Requested 1, but already used 10 of 10' },
    'CAPACITY',
  ],
  ['no port', { status: 403, message: 'Maximum number of ports exceeded' }, 'CAPACITY'],
  ['a right that is missing', { status: 403, message: "Policy doesn't allow os_compute_api" }, 'REJECTED'],
  [
    'several networks',
    { status: 409, message: 'Multiple possible networks found, use a Network ID' },
    'REJECTED',
  ],
  ['another conflict', { status: 409, message: 'The port is in use' }, undefined],
  ['a failure of Nova', { status: 500, message: 'Unexpected API Error' }, undefined],
])('%s is told from a template that is wrong', async (_, error, code) => {
  const world = await OpenStackWorld.open()
  world.cloud.plan('createServer', { error })
  const refusal = await world.refusal(world.spec())
  expect(refusal.code).toBe(code)
  expect(refusal.message).toContain(error.message)
  expect(refusal.message).toMatch(/request req-\d+/)
})

test('where there is no valid host the server that Nova could not place is removed, and nobody is blamed', async () => {
  const world = await OpenStackWorld.open({ placeMs: 100 })
  const refusal = await world.refusal(world.spec({ flavor: 'm1.huge' }))
  expect(refusal).toMatchObject({
    code: 'CAPACITY',
    message: expect.stringContaining('No valid host') as string,
  })
  expect(world.cloud.living).toEqual([])
})

test('a server that comes to ERROR, or is powered off, has failed and says why', async () => {
  const world = await OpenStackWorld.open()
  const specs = [world.spec(), world.spec()]
  for (const spec of specs) await world.start(spec)
  const [one, other] = world.cloud.living
  one!.fail(0, 'Failed to attach a volume')
  other!.powerOff()
  const details = Object.fromEntries(
    (await world.list()).map(({ detail, ref, state }) => [ref, `${state}: ${detail}`]),
  )
  expect(details[one!.ref]).toMatch(/^failed: Failed to attach a volume/)
  expect(details[other!.ref]).toMatch(/^failed: .*SHUTOFF.*goes on costing/)
})

test('a delete that Nova forgets is told again, and who waits long learns of it', async () => {
  const clock = new ManualClock()
  clock.advance(Date.now())
  const world = await OpenStackWorld.open({ clock })
  const spec = world.spec()
  const started = world.start(spec)
  await waitFor(
    'the start',
    () => (clock.advance(100), world.cloud.living.length === 1 && clock.sleeping === 0),
  )
  await started
  world.cloud.plan('deleteServer', { stuck: true }, { stuck: true })
  await world.stop(spec.id)
  await world.stop(spec.id)
  expect(world.actions().filter((action) => action === 'deleteServer')).toHaveLength(1)
  clock.advance(6 * 60_000)
  await world.stop(spec.id)
  expect(world.actions()).toContain('deleteServer')
  expect((await world.list())[0]).toMatchObject({
    state: 'stopping',
    detail: expect.stringMatching(/deleting it for 6 minutes: ask the cloud's operator/) as string,
  })
  clock.advance(60_000)
  await world.stop(spec.id)
  expect(await world.list()).toEqual([])
})

test('an address is made once the server runs, and released after it', async () => {
  const world = await OpenStackWorld.open()
  const spec = world.spec({ floatingIp: { network: 'public' } })
  const { ref } = await world.start(spec)
  world.cloud.plan('createFloatingIp', lostAnswer)
  const [first] = await world.list()
  expect(first!.detail).toContain('no address')
  await world.list()
  expect([...world.cloud.floatingIps.values()]).toMatchObject([
    { port_id: `port-of-${ref}`, description: `rouse cluster=${cluster} instance=${spec.id}` },
  ])
  world.actions()
  await world.list()
  expect(world.actions()).toEqual(['listServers'])
  world.cloud.plan('listFloatingIps', { error: { status: 500 } })
  await world.stop(spec.id)
  expect(world.cloud.living).toEqual([])
  await world.backend.sweep(new Set(), call())
  expect(world.cloud.floatingIps.size).toBe(0)
})

test('an address that exists is given, and is not released', async () => {
  const world = await OpenStackWorld.open()
  const ip = { description: '', floating_network_id: 'n', floating_ip_address: '203.0.113.7', port_id: null }
  world.cloud.floatingIps.set('a', { id: 'a', ...ip })
  const spec = world.spec({ floatingIp: '203.0.113.7' })
  const { ref } = await world.start(spec)
  await world.list()
  expect(world.cloud.floatingIps.get('a')!.port_id).toBe(`port-of-${ref}`)
  await world.stop(spec.id)
  await world.backend.sweep(new Set(), call())
  expect(world.cloud.floatingIps.size).toBe(1)
})

test('a disk that Nova has made gets a stamp, so that one that is left is swept', async () => {
  const world = await OpenStackWorld.open()
  const spec = world.spec({ volume: { size: 10 } })
  await world.start(spec)
  await world.list()
  const [volume] = world.cloud.volumes.values()
  expect(volume!.metadata).toMatchObject({ 'rouse.cluster': cluster, 'rouse.instance': spec.id })
  await world.stop(spec.id)
  world.cloud.volumes.set(volume!.id, { ...volume!, status: 'available' })
  await world.backend.sweep(new Set([spec.id]), call())
  expect(world.cloud.volumes.size).toBe(1)
  await world.backend.sweep(new Set(), call())
  expect(world.cloud.volumes.size).toBe(0)
})

test.each([
  ['volume.type', { volume: { size: 10, type: 'ssd' } }, 'volume.type'],
  ['networks', { networks: 'none' as const }, "'none'"],
])('an old Nova takes no %s, which is said before it is asked', async (_, options, said) => {
  const world = await OpenStackWorld.open({ microversion: 1 })
  expect(await world.refusal(world.spec(options))).toMatchObject({
    code: 'REJECTED',
    message: expect.stringContaining(said) as string,
  })
  expect(world.actions()).not.toContain('createServer')
})

test('user data that is too long, and a master that has only a socket, are said before anything is made', async () => {
  const world = await OpenStackWorld.open()
  const agent = { file: '/nowhere/rouse-agent.mjs', sha256: '' }
  const long = world.spec({}, { agent: { ...agent, masters: [`wss://${'x'.repeat(60_000)}`] } })
  expect(await world.refusal(long)).toMatchObject({
    code: 'REJECTED',
    message: expect.stringMatching(/user data has \d+ bytes in base64, and OpenStack takes 65535/) as string,
  })
  const socket = world.spec({}, { agent: { ...agent, masters: ['unix:/run/rouse.sock'] } })
  expect(await world.refusal(socket)).toMatchObject({
    code: 'REJECTED',
    message: expect.stringContaining('agentUrl') as string,
  })
  expect(world.cloud.living).toEqual([])
})

test('five hundred starts share their looks', async () => {
  const world = await OpenStackWorld.open({ pageSize: 1000 })
  const specs = Array.from({ length: 500 }, () => world.spec())
  await Promise.all(specs.map((spec) => world.start(spec)))
  const actions = world.actions()
  expect(actions.filter((action) => action === 'createServer')).toHaveLength(500)
  expect(actions.length).toBeLessThan(550)
})
