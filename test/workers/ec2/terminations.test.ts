import { expect, test } from 'vitest'
import { waitFor } from '../../helpers/wait-for.ts'
import { Ec2World } from './ec2-world.ts'

/** Machines that a new backend has seen in its first list. */
async function worldWith(count: number) {
  const world = await Ec2World.open()
  const specs = Array.from({ length: count }, (_, i) => world.spec({ subnetId: `subnet-${(i % 2) + 1}` }))
  await Promise.all(specs.map((spec) => world.start(spec)))
  await world.restart({ maxCallsPerSecond: 10 })
  await world.list()
  world.actions()
  return { world, ids: specs.map(({ id }) => id), bearer: bearerIn(world) }
}

const bearerIn = (world: Ec2World) => (id: string) =>
  [...world.cloud.machines].find((machine) => machine.id === id)!

test('machines that wait for their turn are ended by one call', async () => {
  const { ids, world } = await worldWith(250)
  await Promise.all(ids.map((id) => world.stop(id)))
  expect(world.cloud.living).toEqual([])
  expect(world.actions()).toEqual(Array.from({ length: 3 }, () => 'TerminateInstances'))
})

test('one that EC2 does not know keeps none of the others alive', async () => {
  const { bearer, ids, world } = await worldWith(20)
  world.cloud.machines.delete(bearer(ids[7]!))
  await Promise.all(ids.map((id) => world.stop(id)))
  expect(world.cloud.living).toEqual([])
})

test('one that is protected keeps none of the others alive, and only its own caller hears of it', async () => {
  const { bearer, ids, world } = await worldWith(20)
  const { ref } = bearer(ids[7]!)
  world.cloud.locked.add(ref)
  const ended = await Promise.allSettled(ids.map((id) => world.stop(id)))
  expect(world.cloud.living.map((machine) => machine.ref)).toEqual([ref])
  expect(ended.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([7])
  expect(ended[7]).toMatchObject({ reason: { message: expect.stringContaining('may not be terminated') } })
})

test('a refusal that names nobody is tried again in halves', async () => {
  const { ids, world } = await worldWith(4)
  world.cloud.plan('TerminateInstances', { error: { code: 'InternalError', status: 500 } })
  await Promise.all(ids.map((id) => world.stop(id)))
  expect(world.cloud.living).toEqual([])
  expect(world.actions()).toHaveLength(3)
})

test('what is wrong with the credentials is asked for once, and everybody hears it', async () => {
  const { ids, world } = await worldWith(20)
  world.cloud.plan('TerminateInstances', { error: { code: 'AuthFailure', status: 401 } })
  const ended = await Promise.allSettled(ids.map((id) => world.stop(id)))
  expect(ended.every(({ status }) => status === 'rejected')).toBe(true)
  expect(world.actions()).toHaveLength(1)
})

test('a caller that gives up takes nobody with it, and the last one ends the call', async () => {
  const { ids, world } = await worldWith(3)
  world.cloud.plan('TerminateInstances', { hang: true })
  const given = ids.map(() => new AbortController())
  const over: number[] = []
  const stops = ids.map((id, i) =>
    world.backend.stop(id, { signal: given[i]!.signal }).catch((error: Error) => {
      over.push(i)
      return error.message
    }),
  )
  await waitFor('the call', () => world.cloud.calls.some(({ action }) => action === 'TerminateInstances'))
  given[1]!.abort(new Error('enough'))
  expect(await stops[1]).toMatch(/given up/)
  expect(over).toEqual([1])
  given[0]!.abort(new Error('enough'))
  given[2]!.abort(new Error('enough'))
  expect(await Promise.all(stops)).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/given up/)))
  await waitFor('its end', () => world.cloud.calls.every(({ outcome }) => outcome === 'failed'))
})
