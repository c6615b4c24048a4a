import { expect, test } from 'vitest'
import { utcDays } from '../../src/model/cost.ts'
import { held, LatentWorld } from './latent-world.ts'

test('a worker that spends its budget while it builds finishes what runs, starts nothing more that day, and goes on the next', async () => {
  const hold = held()
  const world = await LatentWorld.open({
    workers: { dock: { pricePerHour: 10, budgetPerDay: 5, buildWaitTimeout: 0 } },
    command: hold.command,
  })
  const { clock } = world
  // From a midnight on, so that the day does not end by chance.
  const midnight = utcDays(clock.now(), 1)[0]!.getTime() + 86_400_000
  clock.advance(midnight - clock.now() + 3_600_000)
  const running = await world.force('unit')
  await world.until('the command', hold.begun)
  // 50 minutes at 10 an hour.
  await world.pass(3000, 20)
  const waiting = await world.force('unit')
  const spent = 'has used up its budget of 5 for today (UTC)'
  await world.until('the reason', () => world.master.why(waiting)?.includes(spent))
  hold.end()
  expect(await world.result(running)).toBe('SUCCESS')
  await world.empty()
  await world.pass(3600, 60)
  expect(await world.builds(waiting)).toEqual([])
  expect(world.agents.size).toBe(1)
  expect(world.master.latent.hindrances('dock')).toContain(spent)

  clock.advance(midnight + 86_400_000 - clock.now())
  expect(await world.result(waiting)).toBe('SUCCESS')
  expect(world.agents.size).toBe(2)
})
