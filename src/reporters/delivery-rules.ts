import { backoff } from '../util/backoff.ts'
import type { DeliveryError } from './delivery-error.ts'

export interface FailedAttempt {
  /** Times are milliseconds since the epoch. */
  readonly now: number
  /** This one included. */
  readonly attempts: number
  readonly expiresAt: number
  readonly error: Pick<DeliveryError, 'worth' | 'retryAfter'>
}

export type NextAttempt = { readonly state: 'waiting'; readonly at: number } | { readonly state: 'failed' }

/** When a message is tried again: after 10, 20, 40 ... s up to half an hour, for as long as it is useful. Pure. */
export function afterFailure({ attempts, error, expiresAt, now }: FailedAttempt): NextAttempt {
  if (error.worth === 'never') return { state: 'failed' }
  const pause = backoff(attempts - 1, { initial: 10_000, max: 1_800_000, jitter: 0.2 })
  const at = now + Math.max(pause, Math.min(error.retryAfter ?? 0, longestWish) * 1000)
  return at < expiresAt ? { state: 'waiting', at } : { state: 'failed' }
}

/**
 * Until when messages to a target wait that has failed so often in a row, and since when. The first ones may be chance; from the
 * fifth on one message at a time asks whether it works again, each after twice the time.
 */
export function heldUntil(failures: number, since: number, now: number): number {
  if (failures < manyFailures) return now
  return now + Math.min(Math.max(now - since, 10_000), 1_800_000)
}

/** From so many on a target is shown as failing. */
export const manyFailures = 5
/** Seconds for which another side may keep us waiting. */
const longestWish = 3600
