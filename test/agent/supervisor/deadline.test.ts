import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Deadline } from '../../../src/agent/supervisor/deadline.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

function start(ms: number) {
  let expired = 0
  const deadline = new Deadline(ms, () => expired++)
  return { deadline, expired: () => expired }
}

test('a deadline expires once', () => {
  const { expired } = start(100)
  vi.advanceTimersByTime(99)
  expect(expired()).toBe(0)
  vi.advanceTimersByTime(1000)
  expect(expired()).toBe(1)
})

test('each restart puts it off by its whole time', () => {
  const { deadline, expired } = start(100)
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(60)
    deadline.restart()
  }
  expect(expired()).toBe(0)
  vi.advanceTimersByTime(101)
  expect(expired()).toBe(1)
})

test('paused it does not expire, and counts anew when it is restarted', () => {
  const { deadline, expired } = start(100)
  vi.advanceTimersByTime(90)
  deadline.pause()
  vi.advanceTimersByTime(1000)
  deadline.restart()
  vi.advanceTimersByTime(90)
  expect(expired()).toBe(0)
  vi.advanceTimersByTime(11)
  expect(expired()).toBe(1)
})

test('0 is never, and stopped is for good', () => {
  const never = start(0)
  const stopped = start(100)
  stopped.deadline.stop()
  stopped.deadline.restart()
  vi.advanceTimersByTime(1_000_000)
  expect([never.expired(), stopped.expired()]).toEqual([0, 0])
})

test('a year is a year, although timers end at 24 days', () => {
  const year = 31_536_000_000
  const { expired } = start(year)
  vi.advanceTimersByTime(year - 1000)
  expect(expired()).toBe(0)
  vi.advanceTimersByTime(2000)
  expect(expired()).toBe(1)
})
