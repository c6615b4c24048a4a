import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoff } from '../../src/util/backoff.ts'

test('the wait doubles with each attempt up to its bound', () => {
  const options = { initial: 10, max: 100, jitter: 0 }
  expect([0, 1, 2, 3, 4, 5].map((attempt) => backoff(attempt, options))).toEqual([10, 20, 40, 80, 100, 100])
})

test('jitter takes off at most its share', () => {
  const options = { initial: 1000, max: 60_000, jitter: 0.5 }
  expect(backoff(1, { ...options, random: () => 0 })).toBe(2000)
  expect(backoff(1, { ...options, random: () => 0.5 })).toBe(1500)
  expect(backoff(1, { ...options, random: () => 1 })).toBe(1000)
})

test('any attempt gives a finite wait between half of its bound and its bound', () => {
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const wait = backoff(attempt, { initial: 100, max: 10_000, random: () => random })
      return wait >= 50 && wait <= 10_000
    }),
  )
})
