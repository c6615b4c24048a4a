import { systemClock } from './clock.ts'

export interface DeadlineSignal extends Disposable {
  readonly signal: AbortSignal
}

/** A signal that is aborted after `ms` milliseconds, be they many or a fraction, unless it is disposed of before. */
export function deadlineSignal(ms: number): DeadlineSignal {
  const late = new AbortController()
  const over = new AbortController()
  systemClock.sleep(ms, over.signal).then(
    () => late.abort(new Error(`it took longer than ${ms / 1000} s`)),
    () => {},
  )
  return { signal: late.signal, [Symbol.dispose]: () => over.abort() }
}
