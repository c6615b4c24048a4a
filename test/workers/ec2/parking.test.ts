import { expect, test } from 'vitest'
import { call } from '../../backends/contract/contract-context.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { Ec2World } from './ec2-world.ts'
import { lostAnswer, type Ec2Fault } from './fake-ec2/fake-fault.ts'
import type { FakeEc2Options } from './fake-ec2/fake-ec2.ts'

/** A machine that runs, of a worker whose idle machines are stopped. */
async function opened(options: FakeEc2Options = {}, more: Parameters<Ec2World['spec']>[0] = {}) {
  const world = await Ec2World.open(options)
  const spec = world.spec({ ...more, idle: 'stop' })
  await world.start(spec)
  const [machine] = world.cloud.living
  const isListed = (state: string) =>
    waitFor(`it to be listed as ${state}`, async () => (await world.list())[0]?.state === state)
  await isListed('running')
  const wake = (generation: number) =>
    world.backend.reset({ ...spec, generation, token: `token-of-${generation}` }, call())
  const park = () => world.backend.park(spec.id, call())
  const parked = async () => {
    await park()
    await isListed('stopped')
  }
  world.actions()
  const actions = () => world.actions().filter((action) => action !== 'DescribeInstances')
  const now = () => machine!.stateAt(world.cloud.clock.now())
  return { world, spec, machine: machine!, wake, park, parked, isListed, actions, now }
}

test('a machine is stopped with its disks, and started with the token of the next generation', async () => {
  const { actions, isListed, machine, parked, wake, world } = await opened({ bootMs: 50, shutdownMs: 50 })
  const volumes = [...world.cloud.volumes.keys()]
  await parked()
  await wake(2)
  await isListed('running')
  expect(actions()).toEqual(['StopInstances', 'ModifyInstanceAttribute', 'StartInstances'])
  expect(machine.userData).toContain("token='token-of-2'")
  expect(machine.userData).not.toContain('a-token')
  expect(world.cloud.machines.size).toBe(1)
  expect([...world.cloud.volumes.keys()]).toEqual(volumes)
})

test('its user data runs at every boot, and is the same small script', async () => {
  const { machine } = await opened()
  const [, boundary] = /^Content-Type: multipart\/mixed; boundary="(.+)"\nMIME-Version: 1.0\n\n/.exec(
    machine.userData,
  )!
  const [, config, script, end] = machine.userData.split(`--${boundary}`)
  expect(config).toContain('\n\n#cloud-config\ncloud_final_modules:\n- [scripts-user, always]\n')
  expect(script).toMatch(/^\nContent-Type: text\/x-shellscript[^]*\n\n#!\/bin\/sh\n/)
  expect(end).toBe('--\n')
  expect(machine.userData.length).toBeLessThan(12_000)
})

test('to stop what is stopped, or being stopped, is success', async () => {
  const { now, park, parked } = await opened({ shutdownMs: 100 })
  await park()
  await park()
  await parked()
  await waitFor('the end of its shutdown', () => now() === 'stopped')
  await park()
  expect(now()).toBe('stopped')
})

test('one that is still shutting down is waited for, and one that is starting is stopped once it runs', async () => {
  const { isListed, machine, now, park, wake } = await opened({ bootMs: 300, shutdownMs: 300 })
  await park()
  expect(now()).toBe('stopping')
  await wake(2)
  expect(now()).toBe('pending')
  await park()
  await isListed('stopped')
  expect(machine.userData).toContain('token-of-2')
})

test('one that a killed master has woken already is stopped again and gets the newer token', async () => {
  const { actions, isListed, machine, parked, wake, world } = await opened({
    bootMs: 50,
    shutdownMs: 50,
    lag: 100,
  })
  await parked()
  await wake(2)
  await isListed('running')
  await world.restart()
  actions()
  const before = machine.signal
  await wake(3)
  await isListed('running')
  expect(before.aborted).toBe(true)
  expect(machine.userData).toContain('token-of-3')
  expect(actions()).toEqual(['StopInstances', 'ModifyInstanceAttribute', 'StartInstances'])
})

test.each<[string, Ec2Fault]>([
  ['ModifyInstanceAttribute', lostAnswer],
  ['StartInstances', lostAnswer],
  ['StartInstances', { cut: true }],
  ['StartInstances', { error: { code: 'InternalError', status: 500 } }],
  ['ModifyInstanceAttribute', { error: { code: 'IncorrectInstanceState' } }],
  ['StartInstances', { error: { code: 'RequestLimitExceeded', status: 503 } }],
])('%s that fails with %o is asked for again, and the machine boots once', async (action, fault) => {
  const boots: string[] = []
  const { isListed, parked, wake, world } = await opened({
    boot: async (machine) => void boots.push(/token='([^']*)'/.exec(machine.userData)![1]!),
  })
  await parked()
  world.cloud.plan(action, fault)
  await wake(2)
  await isListed('running')
  expect(boots).toEqual(['a-token', 'token-of-2'])
})

test('what AWS says for good is passed on: no room, no permission, no such machine', async () => {
  const { parked, spec, wake, world } = await opened()
  await parked()
  world.cloud.full.add('all')
  await expect(wake(2)).rejects.toMatchObject({ code: 'CAPACITY' })
  world.cloud.full.clear()
  world.cloud.denied.add('StartInstances')
  await expect(wake(3)).rejects.toThrow('ec2:StartInstances')
  world.cloud.denied.clear()
  await world.stop(spec.id)
  await expect(wake(4)).rejects.toThrow('no machine')
  await expect(world.backend.park(spec.id, call())).rejects.toThrow('no machine')
})

test('a call whose provider never answers ends at its deadline', async () => {
  const { spec, world } = await opened()
  world.cloud.plan('StopInstances', { hang: true })
  await expect(world.backend.park(spec.id, { signal: AbortSignal.timeout(200) })).rejects.toThrow()
})

test('a stopped machine is ended with all that belongs to it', async () => {
  const { parked, spec, world } = await opened({}, { elasticIp: true })
  await world.list()
  await parked()
  expect(world.cloud.addresses.size).toBe(1)
  await world.stop(spec.id)
  expect([world.cloud.living, world.cloud.addresses.size]).toEqual([[], 0])
  expect(await world.list()).toEqual([])
})

test('address and volumes are there again when it runs, whoever took them meanwhile', async () => {
  const volumes = [{ volumeId: 'vol-mine', device: '/dev/sdf' }]
  const { isListed, parked, wake, world } = await opened({}, { elasticIp: true, volumes })
  const mine = { id: 'vol-mine', tags: {}, deleteOnTermination: false, device: '', machine: undefined }
  world.cloud.volumes.set('vol-mine', mine)
  await world.list()
  const [address] = world.cloud.addresses.values()
  expect([address!.association, world.cloud.volumes.get('vol-mine')!.machine]).not.toContain(undefined)
  await parked()
  expect(address!.association).toBeDefined()
  address!.association = undefined
  world.cloud.volumes.get('vol-mine')!.machine = undefined
  await wake(2)
  await isListed('running')
  await world.list()
  expect([address!.association, world.cloud.volumes.get('vol-mine')!.machine]).not.toContain(undefined)
  expect(world.cloud.addresses.size).toBe(1)
})

test('a machine of a worker whose idle ones are terminated is neither reset nor started anew', async () => {
  const world = await Ec2World.open()
  const spec = world.spec()
  await world.start(spec)
  world.actions()
  await expect(world.backend.reset({ ...spec, generation: 2 }, call())).rejects.toMatchObject({
    code: 'REJECTED',
  })
  expect(world.actions()).toEqual([])
})
