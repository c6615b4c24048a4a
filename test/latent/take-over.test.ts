import { expect, test } from 'vitest'
import { held, LatentWorld } from './latent-world.ts'

/** Looks for instances of other masters again and again, at every moment of what the master does beside it. */
async function lookingAround<T>(world: LatentWorld, work: () => Promise<T>): Promise<T> {
  let over = false
  const looks = (async () => {
    while (!over) await world.master.latent.hooks.takeOver()
  })()
  try {
    return await work()
  } finally {
    over = true
    await looks
  }
}

test('an instance that this master is just storing is not taken for one of an earlier master', async () => {
  const hold = held()
  const world = await LatentWorld.open({
    workers: { dock: { startTimeout: 60, instances: { max: 4 } } },
    command: hold.command,
  })
  const requests = await lookingAround(world, async () => {
    const forced = await Promise.all([1, 2, 3, 4].map(() => world.force('unit')))
    await world.until('the commands', () => hold.begun() === 4)
    return forced
  })
  // A second one that looked after the same machine would end it when its agent has not come to it.
  await world.pass(200, 2)
  expect((await world.rows()).map(({ state }) => state)).toEqual(Array.from({ length: 4 }, () => 'busy'))
  hold.end()
  for (const request of requests) {
    expect(await world.result(request)).toBe('SUCCESS')
    expect(await world.builds(request)).toHaveLength(1)
  }
})

test('an instance that has just ended stays gone', async () => {
  const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: 0, instances: { max: 4 } } } })
  await lookingAround(world, async () => {
    const requests = await Promise.all([1, 2, 3, 4].map(() => world.force('unit')))
    for (const request of requests) expect(await world.result(request)).toBe('SUCCESS')
    await world.empty()
  })
  const ended = world.master.logged.filter(({ msg }) => msg === 'instance is gone').map(({ id }) => id)
  expect(new Set(ended).size).toBe(ended.length)
  expect(ended).toHaveLength((await world.rows()).length)
})
