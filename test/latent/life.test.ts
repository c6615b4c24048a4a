import { expect, test } from 'vitest'
import { held, LatentWorld } from './latent-world.ts'

test('a request wakes an instance, is built there, and the instance ends after buildWaitTimeout', async () => {
  const world = await LatentWorld.open()
  const request = await world.force('unit')
  expect(await world.result(request)).toBe('SUCCESS')
  const finished = world.clock.now()
  expect(world.cloud.machines).toHaveLength(1)
  await world.pass(500, 10)
  expect(world.cloud.machines).toHaveLength(1)
  await world.until('its end', () => world.cloud.machines.length === 0, { step: 5000 })
  expect(world.clock.now() - finished).toBeGreaterThanOrEqual(600_000)
  expect(world.clock.now() - finished).toBeLessThan(700_000)
  await world.empty()
  expect((await world.rows()).map(({ builds, stop_reason }) => ({ builds, stop_reason }))).toEqual([
    { builds: 1, stop_reason: expect.stringContaining('it was idle for 6') },
  ])
})

test('with buildWaitTimeout 0 each build gets a fresh instance', async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: 0 } } })
  const requests = [await world.force('unit'), await world.force('unit')]
  for (const request of requests) expect(await world.result(request)).toBe('SUCCESS')
  await world.empty()
  const instances = await Promise.all(requests.map(async (r) => (await world.builds(r))[0]!.instance_id))
  expect(new Set(instances).size).toBe(2)
})

test('a master that was killed while a build ran takes instance and build up again', async () => {
  const hold = held()
  const world = await LatentWorld.open({ command: hold.command })
  const request = await world.force('unit')
  await world.until('the command', hold.begun)
  await world.kill()
  await world.startMaster()
  await world.pass(30)
  hold.end()
  expect(await world.result(request)).toBe('SUCCESS')
  expect(hold.begun()).toBe(1)
  expect(await world.builds(request)).toMatchObject([{ result: 'SUCCESS', attempt: 1 }])
  expect(world.cloud.machines).toHaveLength(1)
  await world.empty(5000)
})
