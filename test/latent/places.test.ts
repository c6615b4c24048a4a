import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { step } from '../../src/steps/step.ts'
import { LatentWorld } from './latent-world.ts'

test('a build that waits on the master while its machine vanishes gives its place back when it ends', async () => {
  const nap = step('nap', async (context) => {
    await context.sleep('10m')
    return 'SUCCESS'
  })
  const world = await LatentWorld.open({ builders: [{ name: 'unit', workers: ['dock'], steps: [nap] }] })
  const request = await world.force('unit')
  await world.state('busy')
  world.cloud.remove(world.cloud.machines[0]!)
  await world.until('the ledger to know', async () => (await world.rows())[0]!.state === 'gone')
  expect(await world.result(request, 2000)).toBe('SUCCESS')
  expect(await world.result(await world.force('unit'), 2000)).toBe('SUCCESS')
  expect(await world.rows()).toHaveLength(2)
})

test('a place that an instance of another master has is left to it', async () => {
  const world = await LatentWorld.open({ workers: { dock: { instances: { max: 2 } } } })
  const { db } = world.database
  const worker = await db
    .selectFrom('workers')
    .select('id')
    .where('name', '=', 'dock')
    .executeTakeFirstOrThrow()
  const other = await db
    .insertInto('masters')
    .values({
      id: randomUUID(),
      host: 'elsewhere',
      pid: 1,
      version: '0',
      lease_until: new Date('9999-01-01'),
    })
    .returning(['id', 'epoch'])
    .executeTakeFirstOrThrow()
  await db
    .insertInto('instances')
    .values({
      id: 'rouse-theirs',
      worker_id: worker.id,
      number: 1,
      backend: 'fake elsewhere',
      state: 'busy',
      template: '{}',
      owner: other.id,
      epoch: other.epoch,
      deadline: new Date('9999-01-01'),
    })
    .execute()
  const request = await world.force('unit')
  expect(await world.result(request)).toBe('SUCCESS')
  const own = (await world.rows()).filter(({ id }) => id !== 'rouse-theirs')
  expect(own.map(({ number }) => number)).toEqual([2])
})
