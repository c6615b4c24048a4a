import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/util/clock.ts'

test('a sleep that is aborted ends with the reason of its signal', async () => {
  const abort = new AbortController()
  const reason = new Error('shutting down')
  const sleep = systemClock.sleep(3_600_000, abort.signal)
  abort.abort(reason)
  await expect(sleep).rejects.toBe(reason)
})

test('a sleep does not begin when its signal is aborted already', async () => {
  await expect(systemClock.sleep(3_600_000, AbortSignal.abort('over'))).rejects.toBe('over')
})

test('a sleep that nobody aborts ends by itself and leaves no listener on its signal', async () => {
  const { signal } = new AbortController()
  await expect(systemClock.sleep(1, signal)).resolves.toBeUndefined()
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('the clock shows the time of the machine', () => {
  const before = Date.now()
  const now = systemClock.now()
  expect(now).toBeGreaterThanOrEqual(before)
  expect(now).toBeLessThanOrEqual(Date.now())
})

test('what sleeps for longer than a timer can wait does not wake at once', async () => {
  const over = new AbortController()
  let woken = false
  const long = systemClock.sleep(30 * 86_400_000, over.signal).then(() => (woken = true))
  long.catch(() => {})
  await systemClock.sleep(20)
  expect(woken).toBe(false)
  over.abort(new Error('enough'))
  await expect(long).rejects.toThrow('enough')
})
