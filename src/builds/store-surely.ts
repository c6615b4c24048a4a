import type { Work } from '../db/group-commit.ts'
import { backoff } from '../util/backoff.ts'
import type { BuildTools } from './build-tools.ts'

/**
 * Stores what must not stay unknown: whether a build was begun, and that it has ended, for else it would seem to run for
 * ever. Tried until it works, fails for a reason that is not worth another try, or the master stops; one that has no database
 * stops with its lease.
 */
export async function storeSurely<T>(
  work: Work<T>,
  { clock, commit, log }: Pick<BuildTools, 'clock' | 'commit' | 'log'>,
  signal: AbortSignal,
  isWorthAnotherTry: (error: unknown) => boolean = () => true,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await commit.write(work)
    } catch (error) {
      if (signal.aborted || !isWorthAnotherTry(error)) throw error
      log.error({ err: error }, 'what happened could not be stored; trying again')
      await clock.sleep(backoff(attempt, delay), signal).catch(() => {})
    }
  }
}

const delay = { initial: 1000, max: 5000 }
