import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { jsonb } from '../../src/db/jsonb.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

test.each([
  ['a\0b', 'a\ufffdb'],
  ['\ud83d', '\ufffd'],
  ['\ude00x', '\ufffdx'],
  ['😀', '😀'],
  ['\\u0000', '\\u0000'],
  ['\\\0\\\\\0', '\\\ufffd\\\\\ufffd'],
  [{ 'k\0': ['\0\0'] }, { 'k\ufffd': ['\ufffd\ufffd'] }],
  [null, null],
])('%j is stored as %j', (value, expected) => {
  expect(JSON.parse(jsonb(value))).toEqual(expected)
})

test('PostgreSQL takes whatever JSON can say, and gives it back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ stringUnit: 'binary' }), async (value) => {
      const json = jsonb(value)
      const { rows } = await sql<{ value: unknown }>`select ${json}::jsonb as value`.execute(database.db)
      expect(rows[0]!.value).toEqual(withoutNegativeZero(JSON.parse(json)))
    }),
    { numRuns: 200, examples: [['\0'], ['\ud800'], [{ '\0': '\udfff\ud800' }], ['\\\0']] },
  )
})

test.each([undefined, () => {}, Symbol('x')])('%s is not JSON', (value) => {
  expect(() => jsonb(value)).toThrow(TypeError)
})

// -0 is a number of JSON, and 0 in PostgreSQL.
function withoutNegativeZero(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
