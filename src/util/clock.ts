import { setTimeout as delay } from 'node:timers/promises'

/** Time as code under test sees it. Everything that depends on time takes one of these. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      for (let left = ms; ; left -= longestTimer) {
        await delay(Math.min(left, longestTimer), undefined, signal ? { signal } : {})
        if (left <= longestTimer) return
      }
    } catch (error) {
      throw signal?.aborted ? signal.reason : error
    }
  },
}

/** Milliseconds: Node.js fires longer timers at once. */
const longestTimer = 2_147_483_647
