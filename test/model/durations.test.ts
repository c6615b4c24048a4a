import { describe, expect, test } from 'vitest'
import { humanDuration, seconds } from '../../src/model/durations.ts'
import { RouseError } from '../../src/model/errors.ts'

describe('a duration in the config', () => {
  test.each([
    [90, 90],
    [0, 0],
    [-1, -1],
    [0.25, 0.25],
    ['90s', 90],
    ['10m', 600],
    ['1h', 3600],
    ['2d', 172_800],
    ['500ms', 0.5],
    ['1.5h', 5400],
    ['1h30m', 5400],
    ['1h 30m', 5400],
    [' 5s ', 5],
  ])('%j is %d seconds', (duration, expected) => {
    expect(seconds(duration)).toBe(expected)
  })

  test.each([
    '',
    ' ',
    '90',
    'soon',
    '5 minutes',
    '10mm',
    '-5s',
    '1h-',
    's',
    '1e3s',
    NaN,
    Infinity,
    null,
    undefined,
    true,
    [],
    {},
  ])('%j is refused with what it was', (duration) => {
    const attempt = () => seconds(duration as number)
    expect(attempt).toThrow(RouseError)
    expect(attempt).toThrow(`not a duration: ${JSON.stringify(duration)}`)
  })
})

describe('a duration for people', () => {
  test.each([
    [0, '0 ms'],
    [120, '120 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [3400, '3.4 s'],
    [9949, '9.9 s'],
    [9960, '10 s'],
    [59_400, '59 s'],
    [59_600, '1 m 0 s'],
    [61_000, '1 m 1 s'],
    [3_599_900, '1 h 0 m'],
    [4_320_000, '1 h 12 m'],
    [86_399_999, '1 d 0 h'],
    [100_000_000, '1 d 3 h'],
  ])('%d ms reads %s', (ms, expected) => {
    expect(humanDuration(ms)).toBe(expected)
  })
})
