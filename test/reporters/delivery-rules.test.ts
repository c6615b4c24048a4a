import { describe, expect, test } from 'vitest'
import { afterFailure, heldUntil } from '../../src/reporters/delivery-rules.ts'

const day = 86_400_000
const failed = (o: Partial<Parameters<typeof afterFailure>[0]> = {}) =>
  afterFailure({
    now: 0,
    attempts: 1,
    expiresAt: day,
    error: { worth: 'later', retryAfter: undefined },
    ...o,
  })

describe('a message that could not be sent', () => {
  test.each([
    [1, 10_000],
    [2, 20_000],
    [5, 160_000],
    [12, 1_800_000],
    [60, 1_800_000],
  ])('is tried again after attempt %i, at most %i ms later', (attempts, most) => {
    for (let i = 0; i < 20; i++) {
      const next = failed({ attempts })
      expect(next.state).toBe('waiting')
      if (next.state !== 'waiting') return
      expect(next.at).toBeLessThanOrEqual(most)
      expect(next.at).toBeGreaterThanOrEqual(most * 0.8)
    }
  })

  test('waits for as long as the other side asks', () => {
    expect(failed({ error: { worth: 'later', retryAfter: 600 } })).toEqual({ state: 'waiting', at: 600_000 })
  })

  test('waits no longer than an hour for anybody', () => {
    expect(failed({ error: { worth: 'later', retryAfter: 1e9 } })).toEqual({
      state: 'waiting',
      at: 3_600_000,
    })
  })

  test('is given up at once when it was refused for good', () => {
    expect(failed({ error: { worth: 'never', retryAfter: undefined } })).toEqual({ state: 'failed' })
  })

  test('is given up when the next try would come too late', () => {
    expect(failed({ now: day - 5000 })).toEqual({ state: 'failed' })
    expect(failed({ now: day - 10_001 }).state).toBe('waiting')
  })
})

test.each([
  [4, 3_600_000, 0],
  [5, 0, 10_000],
  [50, 2000, 10_000],
  [6, 60_000, 60_000],
  [9, 86_400_000, 1_800_000],
])('a target that has failed %i times in a row, for %i ms, is held for %i ms', (failures, elapsed, held) => {
  expect(heldUntil(failures, 0, elapsed) - elapsed).toBe(held)
})
