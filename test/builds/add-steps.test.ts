import { beforeEach, expect, test } from 'vitest'
import { storeAddedSteps } from '../../src/builds/add-steps.ts'
import type { TestDatabase } from '../helpers/database.ts'
import { seedBuild } from '../web/seed.ts'
import { ownDatabase } from './test-core.ts'

let database: TestDatabase
let buildId: number
let steps: readonly number[]

beforeEach(async () => {
  database = await ownDatabase()
  const { db } = database
  buildId = (await seedBuild(db, { result: null })).build
  const rows = ['a', 'b', 'c'].map((name, i) => ({ build_id: buildId, number: i + 1, name }))
  steps = (await db.insertInto('steps').values(rows).returning('id').execute()).map(({ id }) => id)
})

const add = (step: number, call: string, names: readonly string[]) =>
  database.db
    .transaction()
    .execute((trx) => storeAddedSteps(trx, { buildId, stepId: steps[step]!, call, names }))

const stored = async () => {
  const rows = database.db.selectFrom('steps').select(['number', 'name']).where('build_id', '=', buildId)
  return (await rows.orderBy('number').execute()).map(({ name, number }) => `${number} ${name}`)
}

test('added steps are stored after their step and what it added before; all others keep their order', async () => {
  await add(0, '1', ['a1', 'a2'])
  await add(0, '2', [])
  await add(0, '3', ['a3'])
  await add(1, '1', ['b1'])
  expect(await stored()).toEqual(['1 a', '2 a1', '3 a2', '4 a3', '5 b', '6 b1', '7 c'])
})

test('a commit whose answer was lost is answered the same again, and adds nothing twice', async () => {
  const first = await add(0, '1', ['a1', 'a2'])
  expect(await add(0, '1', ['a1', 'a2'])).toEqual(first)
  expect(await stored()).toEqual(['1 a', '2 a1', '3 a2', '4 b', '5 c'])
})

test('a build has at most 1,000 steps', async () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `s${i}`)
  expect(await add(1, '1', names(998))).toBeUndefined()
  expect(await stored()).toHaveLength(3)
  expect(await add(1, '2', names(997))).toHaveLength(997)
  expect(await add(2, '1', names(1))).toBeUndefined()
  const all = await stored()
  expect([all.length, all.at(-1)]).toEqual([1000, '1000 c'])
})
