import { expect, test } from 'vitest'
import { retryDelay } from '../../../src/agent/connector/retry-delay.ts'

const slowest = { refused: false, random: () => 0 }

test.each([
  [0, 0, 500],
  [1, 500, 1000],
  [2, 1500, 2000],
  [3, 3500, 3000],
  [40, 119_999, 3000],
  [40, 120_001, 30_000],
  [100_000, 1e9, 30_000],
])('after %i rounds and %i ms away an agent waits at most %i ms', (round, away, expected) => {
  expect(retryDelay({ round, away, refused: false }, slowest.random)).toBe(expected)
  const quickest = retryDelay({ round, away, refused: false }, () => 1)
  expect(quickest).toBeGreaterThanOrEqual(expected / 2)
  expect(quickest).toBeLessThan(expected)
})

test('a refused agent is in no hurry, however short the time', () => {
  expect(retryDelay({ round: 0, away: 0, refused: true }, () => 0)).toBe(30_000)
  expect(retryDelay({ round: 9, away: 1e9, refused: true }, () => 1)).toBe(15_000)
})

test('the agent of an instance is told within seconds that it is not wanted', () => {
  const retry = { round: 0, away: 0, refused: true, isInstance: true }
  expect(retryDelay(retry, () => 0)).toBe(5000)
  expect(retryDelay(retry, () => 1)).toBe(2500)
})
