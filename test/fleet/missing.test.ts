import { describe, expect, test } from 'vitest'
import { isFlapping, lossWindow, whenMissing, type Absence } from '../../src/fleet/missing.ts'

const minute = 60_000
const hour = 60 * minute
/** The master has been ready for a day, and the worker may be away for an hour. */
const absence: Absence = {
  timeout: hour,
  readyAt: -24 * hour,
  noticed: false,
  awaySince: null,
  wantedSince: null,
  shortSince: null,
}
const missing = (o: Partial<Absence>) => whenMissing({ ...absence, ...o })

describe('a worker is missing', () => {
  test.each<[string, Partial<Absence>, number | undefined]>([
    ['never while it is there', {}, undefined],
    ['an hour after it was lost', { awaySince: 0 }, hour],
    ['after its own timeout', { awaySince: 0, timeout: 1000 }, 1000],
    ['not a second time', { awaySince: 0, noticed: true }, undefined],
    ['an hour after its instance was wanted', { wantedSince: 5 * minute }, hour + 5 * minute],
    ['an hour after its pool fell short', { shortSince: 7 * minute }, hour + 7 * minute],
    ['by the first of its reasons', { shortSince: 7 * minute, wantedSince: 3 * minute }, hour + 3 * minute],
    [
      'five minutes after a start that came long after the deadline',
      { awaySince: -9 * hour, readyAt: 0 },
      5 * minute,
    ],
    ['five minutes after a start exactly at the deadline', { awaySince: -hour, readyAt: 0 }, 5 * minute],
    ['five minutes after a start just before the deadline', { awaySince: -hour + 1, readyAt: 0 }, 5 * minute],
    [
      'at its deadline when the start was five minutes before',
      { awaySince: 5 * minute - hour, readyAt: 0 },
      5 * minute,
    ],
    ['at its deadline when the start was long before', { awaySince: 0, readyAt: -6 * minute }, hour],
    [
      'after a short timeout of its own, counted from the start',
      { awaySince: -hour, readyAt: 0, timeout: 10_000 },
      10_000,
    ],
    [
      'at its deadline with a short timeout, lost after the start',
      { awaySince: 3000, readyAt: 0, timeout: 10_000 },
      13_000,
    ],
  ])('%s', (_, facts, at) => {
    expect(missing(facts)?.at).toBe(at)
  })

  test.each([
    ['awaySince', 'away'],
    ['wantedSince', 'wanted'],
    ['shortSince', 'short'],
  ])('and says why: %s', (key, why) => {
    expect(missing({ [key]: 42 })).toMatchObject({ why, since: 42 })
  })

  test('at the same time however often the master was started meanwhile, once it has been ready for five minutes', () => {
    const starts = [10 * minute, 20 * minute, 30 * minute, 50 * minute]
    for (const readyAt of starts) expect(missing({ awaySince: 0, readyAt })?.at).toBe(hour)
  })
})

describe('a connection flaps', () => {
  const losses = (count: number, at = 0) => Array.from({ length: count }, (_, i) => at + i)

  test.each<[string, number[], number | null, number, boolean]>([
    ['not after five losses', losses(5), null, 10, false],
    ['after six within an hour', losses(6), null, 10, true],
    ['not when one of six is older than an hour', [0, ...losses(5, 100)], null, lossWindow, false],
    ['not again within the hour', losses(9), 5, 10, false],
    ['again an hour later', losses(9, lossWindow), 5, lossWindow + 10, true],
  ])('%s', (_, times, noticedAt, now, expected) => {
    expect(isFlapping(times, noticedAt, now)).toBe(expected)
  })
})
