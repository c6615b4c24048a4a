import { expect, test } from 'vitest'
import { Backoffs } from '../../src/latent/backoffs.ts'
import { ManualClock } from '../helpers/manual-clock.ts'

const full = { code: 'CAPACITY', message: 'full' } as const

function open() {
  const clock = new ManualClock()
  const backoffs = new Backoffs(clock)
  const fail = () => {
    const backoff = backoffs.after(1, 'red', full)
    backoffs.note(1, 'red', backoff)
    return (backoff.until - clock.now()) / 1000
  }
  return { backoffs, clock, fail }
}

test('failures in a row wait 10, 20, 40 s and so on, at most an hour', () => {
  const { clock, fail } = open()
  const waits = Array.from({ length: 11 }, () => {
    const wait = fail()
    clock.advance(wait * 1000)
    return wait
  })
  expect(waits).toEqual([10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600])
})

test('a failure during a back-off does not make it longer', () => {
  const { clock, fail } = open()
  expect(fail()).toBe(10)
  clock.advance(4000)
  expect(fail()).toBe(6)
  clock.advance(6000)
  expect(fail()).toBe(20)
})

test('a good build makes the next failure the first again; another template has a back-off of its own', () => {
  const { backoffs, clock, fail } = open()
  fail()
  clock.advance(10_000)
  fail()
  expect(backoffs.of(1, 'red')).toMatchObject({ failures: 2 })
  expect(backoffs.of(1, 'blue')).toBe(undefined)
  expect(backoffs.of(2, 'red')).toBe(undefined)
  expect(backoffs.forget(1, 'red')).toBe(true)
  expect(backoffs.forget(1, 'red')).toBe(false)
  expect(fail()).toBe(10)
})

test('a back-off that has been over for a day is forgotten', () => {
  const { backoffs, clock, fail } = open()
  expect(fail()).toBe(10)
  clock.advance(86_400_000 + 10_001)
  // Any other that comes makes room.
  backoffs.note(2, 'blue', backoffs.after(2, 'blue', full))
  expect(backoffs.forget(1, 'red')).toBe(false)
  expect(backoffs.of(2, 'blue')).toMatchObject({ failures: 1 })
})
