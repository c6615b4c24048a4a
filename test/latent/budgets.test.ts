import { expect, test } from 'vitest'
import { costsByDay } from '../../src/db/costs.ts'
import { budgetObstacle } from '../../src/latent/budget-obstacle.ts'
import { costOf, costText, utcDays } from '../../src/model/cost.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { seedInstance } from '../web/seed.ts'
import { openMaster, testDatabase } from './open-master.ts'

test('a budget closes a worker once it is spent, and not before', () => {
  expect(budgetObstacle(5, 4.99)).toBeUndefined()
  expect(budgetObstacle(5, 5)).toBe('has used up its budget of 5 for today (UTC)')
  expect(budgetObstacle(0.5, 7)).toBe('has used up its budget of 0.5 for today (UTC)')
  expect(budgetObstacle(null, 1e9)).toBeUndefined()
})

test('days are those of UTC, today first', () => {
  const now = Date.parse('2026-03-01T23:59:59.999Z')
  expect(utcDays(now, 2).map(String)).toEqual([
    String(new Date('2026-03-01T00:00:00Z')),
    String(new Date('2026-02-28T00:00:00Z')),
  ])
  expect(utcDays(now + 1, 1)[0]!.toISOString()).toBe('2026-03-02T00:00:00.000Z')
})

test('money is shown with two digits, and with more where it would look like nothing', () => {
  expect([0, 0.00421, 0.5, 312.4].map(costText)).toEqual(['0.00', '0.0042', '0.50', '312.40'])
  expect(costOf(3.6, 1000)).toBe(0.001)
  expect(costOf(null, 1000)).toBeNull()
})

test('what instances cost is divided among the days and workers they lived for', async () => {
  const { db } = await testDatabase()
  const price_per_hour = 2
  // Over midnight: three hours on the 9th, one on the 10th.
  const gone = { state: 'gone', price_per_hour } as const
  const [from, to] = [new Date('2026-05-09T21:00:00Z'), new Date('2026-05-10T01:00:00Z')]
  await seedInstance(db, { ...gone, created_at: from, changed_at: to })
  await seedInstance(db, { state: 'busy', created_at: to, number: 2, price_per_hour })
  await seedInstance(db, { state: 'busy', created_at: to, worker: 'other', price_per_hour })
  await seedInstance(db, { state: 'busy', created_at: to, worker: 'free' })
  const now = new Date('2026-05-10T02:00:00Z')
  const days = utcDays(now.getTime(), 3)
  expect(await costsByDay(db, { days, now })).toEqual([
    { day: days[0], worker: 'dock', instances: 2, seconds: 7200, cost: 4 },
    { day: days[0], worker: 'other', instances: 1, seconds: 3600, cost: 2 },
    { day: days[1], worker: 'dock', instances: 1, seconds: 10_800, cost: 6 },
  ])
  const midnight = new Date('2026-05-11T00:00:00Z')
  const today = utcDays(midnight.getTime(), 1)
  expect(await costsByDay(db, { days: today, now: midnight, workers: ['dock'] })).toMatchObject([
    { worker: 'dock', cost: 0 },
  ])
})

test('hours in which a machine was parked cost nothing, on the days on which they were', async () => {
  const { db } = await testDatabase()
  const at = (time: string) => new Date(`2026-05-${time}:00:00Z`)
  const seeded = { state: 'gone', price_per_hour: 1, created_at: at('09T20') } as const
  const gone = await seedInstance(db, { ...seeded, changed_at: at('10T06') })
  const parked = await seedInstance(db, { ...seeded, state: 'parked', number: 2, worker: 'other' })
  await db
    .insertInto('parkings')
    .values([
      { instance_id: gone, number: 1, since: at('09T22'), until: at('10T03') },
      { instance_id: gone, number: 2, since: at('10T04'), until: at('10T05') },
      { instance_id: parked, number: 1, since: at('09T23'), until: null },
    ])
    .execute()
  const days = utcDays(at('10T12').getTime(), 2)
  const hours = (await costsByDay(db, { days, now: at('10T12') })).map(({ cost, worker }) => [worker, cost])
  expect(hours).toEqual([
    ['dock', 2],
    ['other', 0],
    ['dock', 2],
    ['other', 3],
  ])
})

test('a worker that has used up its budget starts nothing more, and its requests say so', async () => {
  const database = await testDatabase()
  const created_at = new Date(utcDays(Date.now(), 1)[0]!.getTime() - 3_600_000)
  await seedInstance(database.db, { state: 'gone', created_at, changed_at: new Date(), price_per_hour: 1e6 })
  const { cloud, get, post } = await openMaster({
    database,
    worker: { pricePerHour: 1e6, budgetPerDay: 0.5 },
  })
  const { requestIds } = await post('/api/v1/builders/unit/force')
  const reason = await waitFor('the reason', async () => {
    const { waitingFor } = await get(`/api/v1/requests/r${requestIds[0]}`)
    return waitingFor?.includes('budget') && waitingFor
  })
  expect(reason).toContain('dock has used up its budget of 0.5 for today (UTC)')
  expect((await get('/api/v1/workers/dock')).status).toBe(
    '0 of 1 instance; has used up its budget of 0.5 for today (UTC)',
  )
  expect(cloud.calls.filter(({ operation }) => operation === 'start')).toEqual([])
  const { items } = await get('/api/v1/costs?days=1')
  expect(items).toMatchObject([{ worker: 'dock', instances: 1 }])
  expect(items[0].cost).toBeGreaterThan(0.5)
})

test('a worker whose budget is not used up starts, and the costs show it', async () => {
  const { get, post } = await openMaster({ worker: { pricePerHour: 3600, budgetPerDay: 1e6 } })
  await post('/api/v1/builders/unit/force')
  const costs = await waitFor<any>('costs', async () => {
    const { items } = await get('/api/v1/costs')
    return items[0]?.cost > 0 && items
  })
  expect(costs).toMatchObject([{ day: new Date().toISOString().slice(0, 10), worker: 'dock' }])
  expect((await get('/api/v1/instances')).items[0].cost).toBeGreaterThan(0)
})
