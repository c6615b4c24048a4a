import { expect, test } from 'vitest'
import { LatentWorld } from './latent-world.ts'

test('a master that has lost its lease leaves its idle instances as they are, and the next one looks after them', async () => {
  const world = await LatentWorld.open()
  await world.result(await world.force('unit'))
  await world.state('attached')
  const before = await world.rows()
  world.master.latent.abandon()
  await world.pass(2000, 20)
  await world.stop()
  expect(await world.rows()).toEqual(before)
  expect(world.cloud.machines).toHaveLength(1)
  expect(world.cloud.calls.filter(({ operation }) => operation === 'stop')).toEqual([])
  await world.startMaster()
  expect(await world.result(await world.force('unit'))).toBe('SUCCESS')
  expect(await world.rows()).toHaveLength(1)
})

test('a master that has lost its lease ends although nothing can be stored', async () => {
  const world = await LatentWorld.open()
  const { latent } = world.master
  const lock = await world.database.pool.connect()
  await lock.query('begin')
  await lock.query('lock table instances in access exclusive mode')
  try {
    await world.force('unit')
    await world.until('the insert to wait', async () => {
      const { rows } = await lock.query(
        "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      )
      return rows.length > 0
    })
    latent.abandon()
    await latent.close()
  } finally {
    await lock.query('rollback')
    lock.release()
  }
  // What waited is stored now, and nothing comes of it any more.
  await world.until('the row', async () => (await world.rows()).length === 1)
  await world.stop()
  expect(world.cloud.calls.filter(({ operation }) => operation === 'start')).toEqual([])
})
