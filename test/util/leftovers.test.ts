import { expect, test } from 'vitest'
import { Leftovers } from '../../src/util/leftovers.ts'

test('something is left over when a second sweep, begun well after the first, finds nothing that knows it', () => {
  const leftovers = new Leftovers()
  const due = (begun: number, ...found: string[]) => [
    ...leftovers.due(new Set(found), { begun, now: begun + 2000 }),
  ]
  expect(due(0, 'a')).toEqual([])
  // What it knows may be older than what the first one saw.
  expect(due(11_000, 'a', 'b')).toEqual([])
  expect(due(12_000, 'a', 'b')).toEqual(['a'])
  expect(due(60_000, 'a', 'b')).toEqual(['a', 'b'])
})

test('what a sweep has known in between is new again', () => {
  const leftovers = new Leftovers()
  const due = (begun: number, ...found: string[]) => leftovers.due(new Set(found), { begun, now: begun }).size
  expect([due(0, 'a'), due(60_000), due(120_000, 'a'), due(180_000, 'a')]).toEqual([0, 0, 0, 1])
})
