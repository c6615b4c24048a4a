import type { Clock } from './clock.ts'

/**
 * Runs `work` with a signal that is aborted after `ms` milliseconds, or when `signal` is. Work that does not heed it is given up a
 * little later: the promise never hangs. Rejects with the reason then.
 */
export async function withDeadline<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { clock, ms, signal }: { clock: Clock; ms: number; signal?: AbortSignal | undefined },
): Promise<T> {
  const over = new AbortController()
  const late = new AbortController()
  const both = signal ? AbortSignal.any([late.signal, signal]) : late.signal
  const timer = clock.sleep(ms, over.signal).then(() => {
    late.abort(new Error(`it did not answer within ${ms / 1000} s`))
  })
  timer.catch(() => {})
  const { promise: deaf, reject } = Promise.withResolvers<never>()
  const giveUp = () => {
    clock.sleep(patience, over.signal).then(
      () => reject(both.reason as Error),
      () => {},
    )
  }
  if (both.aborted) giveUp()
  else both.addEventListener('abort', giveUp, { once: true })
  try {
    return await Promise.race([work(both), deaf])
  } finally {
    over.abort()
    // A signal that lives as long as the master would keep every call's.
    both.removeEventListener('abort', giveUp)
  }
}

/** Milliseconds that aborted work has to end. */
const patience = 5000
