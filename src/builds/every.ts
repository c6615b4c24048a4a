import type { Logger } from 'pino'
import type { Clock } from '../util/clock.ts'

interface EveryOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly signal: AbortSignal
}

/** Looks after something again and again until aborted; a failure is logged, and the next look comes all the same. */
export async function every(
  seconds: number,
  { clock, log, signal }: EveryOptions,
  look: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(seconds * 1000, signal).catch(() => {})
    if (signal.aborted) return
    await look().catch((error: unknown) => log.error({ err: error }, 'looking for lost work failed'))
  }
}
