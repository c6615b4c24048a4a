import type { Kysely } from 'kysely'
import { expect } from 'vitest'
import type { Database } from '../../src/db/schema.ts'

/** Each of these requests has ended once, and well, however often it was tried. */
export async function expectBuiltOnce(db: Kysely<Database>, requests: readonly number[]): Promise<void> {
  const builds = await db.selectFrom('builds').select(['request_id', 'result']).execute()
  const final = builds.filter(({ result }) => result !== 'RETRY')
  expect(final.filter(({ result }) => result !== 'SUCCESS')).toEqual([])
  const inOrder = (ids: readonly number[]) => ids.toSorted((a, b) => a - b)
  expect(inOrder(final.map(({ request_id }) => request_id))).toEqual(inOrder(requests))
}
