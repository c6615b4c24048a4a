import { backoff } from '../../util/backoff.ts'

export interface Retry {
  /** Rounds over all masters since a connection last held. */
  readonly round: number
  /** Milliseconds since a connection was lost, or since the start. */
  readonly away: number
  /** The master answered, and does not want this agent as it is: until somebody mends that, there is no hurry. */
  readonly refused: boolean
  /** An instance costs money while it waits, and nobody is going to mend anything. */
  readonly isInstance?: boolean
}

/**
 * Milliseconds until the next attempt. A master that restarts finds its agents back within seconds: the first two minutes
 * have short pauses. A refused agent goes on trying too, slowly, because it is the master's config that will change.
 */
export function retryDelay(
  { away, isInstance, refused, round }: Retry,
  random: () => number = Math.random,
): number {
  if (refused && isInstance) return backoff(0, { initial: 5000, max: 5000, random })
  if (refused) return backoff(0, { initial: longest, max: longest, random })
  return backoff(round, { initial: 500, max: away < hopeful ? 3000 : longest, random })
}

const longest = 30_000
const hopeful = 120_000
