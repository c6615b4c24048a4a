import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { LatentWorld, type LatentWorldOptions } from './latent-world.ts'

const refused = { error: { message: 'connection refused' } }

async function open(options: LatentWorldOptions = {}) {
  const world = await LatentWorld.open(options)
  await sql`insert into reporters (name, kind, events) values ('ears', 'test', '{worker.missing}')`.execute(
    world.database.db,
  )
  const notices = async () => {
    const rows = await world.database.db.selectFrom('notices').select('event').orderBy('id').execute()
    return rows.map(({ event }) => event)
  }
  return { world, notices }
}

test('a worker whose starts are given up is noted at once, and once until an agent of it was there', async () => {
  const { notices, world } = await open()
  world.cloud.chance = (operation) => (operation === 'start' ? refused : undefined)
  expect(await world.result(await world.force('unit'), 2000)).toBe('EXCEPTION')
  expect(await notices()).toMatchObject([
    { type: 'worker.missing', worker: 'dock', reason: 'its starts are given up: connection refused' },
  ])
  expect(await world.result(await world.force('unit'), 2000)).toBe('EXCEPTION')
  expect(await notices()).toHaveLength(1)

  world.cloud.chance = () => undefined
  expect(await world.result(await world.force('unit'), 2000)).toBe('SUCCESS')
  await world.empty()
  world.cloud.chance = (operation) => (operation === 'start' ? refused : undefined)
  expect(await world.result(await world.force('unit'), 2000)).toBe('EXCEPTION')
  expect(await notices()).toHaveLength(2)
})

test('one whose template is refused is noted', async () => {
  const { notices, world } = await open({ workers: { dock: { template: { reject: 'no such image' } } } })
  expect(await world.result(await world.force('unit'))).toBe('EXCEPTION')
  expect(await notices()).toMatchObject([{ reason: 'its starts are given up: no such image' }])
})

test('one for which there is no room now is not', async () => {
  const { notices, world } = await open({ cloud: { capacity: 0 } })
  const request = await world.force('unit')
  await world.until('the refusal', () => world.master.why(request)?.includes('tries again in'))
  expect(await notices()).toEqual([])
})

test('one whose instance vanishes in a build is noted, with that build', async () => {
  const { notices, world } = await open()
  let vanish = true
  world.command = async () => {
    if (!vanish) return 0
    vanish = false
    world.cloud.remove(world.cloud.machines[0]!)
    return await new Promise<number>(() => {})
  }
  const request = await world.force('unit')
  expect(await world.result(request, 2000)).toBe('SUCCESS')
  const [lost] = await world.builds(request)
  expect(await notices()).toMatchObject([
    { reason: expect.stringMatching(/^an instance vanished in a build: /), builds: [lost!.id] },
  ])
})

test('nobody is told of one with missingTimeout 0', async () => {
  const { notices, world } = await open({ workers: { dock: { missingTimeout: 0 } } })
  world.cloud.chance = (operation) => (operation === 'start' ? refused : undefined)
  expect(await world.result(await world.force('unit'), 2000)).toBe('EXCEPTION')
  expect(await notices()).toEqual([])
})
