import { expect, test } from 'vitest'
import { deadlineSignal } from '../../src/util/deadline-signal.ts'

test('a deadline may be a month or the fraction of a millisecond, and none comes after it was disposed of', async () => {
  using long = deadlineSignal(30 * 86_400_000)
  const released = deadlineSignal(5)
  released[Symbol.dispose]()
  const short = deadlineSignal(10.5)
  await new Promise((resolve) => short.signal.addEventListener('abort', resolve))
  expect([long.signal.aborted, released.signal.aborted]).toEqual([false, false])
})
