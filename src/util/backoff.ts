export interface BackoffOptions {
  /** Milliseconds before the first retry. */
  readonly initial: number
  /** Upper bound in milliseconds. */
  readonly max: number
  /** Share of the delay that is random, 0 to 1. Default 0.5. */
  readonly jitter?: number
  readonly random?: () => number
}

/** Milliseconds to wait before retry number `attempt` (0 is the first): doubling, capped, jittered downwards. */
export function backoff(
  attempt: number,
  { initial, max, jitter = 0.5, random = Math.random }: BackoffOptions,
): number {
  const full = Math.min(max, initial * 2 ** Math.min(attempt, 52))
  return Math.round(full * (1 - jitter * random()))
}
