import type { Logger } from 'pino'
import type { GroupCommit, Work } from '../db/group-commit.ts'
import { isWorthAnotherTry } from '../db/patience.ts'
import { RouseError } from '../model/errors.ts'
import type { Clock } from '../util/clock.ts'
import { storeSurely } from './store-surely.ts'

interface PatientCommitOptions {
  readonly commit: Pick<GroupCommit, 'write'>
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Writes of running builds. While the database is away they are tried again until this master stops, which it does with its
 * lease at the latest: the build then goes on under the next one, and has not failed.
 */
export class PatientCommit {
  readonly #o: PatientCommitOptions
  readonly #closing = new AbortController()

  constructor(options: PatientCommitOptions) {
    this.#o = options
  }

  write<T>(work: Work<T>): Promise<T> {
    return storeSurely(work, this.#o, this.#closing.signal, isAway)
  }

  /** What fails from now on fails for good. */
  close(): void {
    this.#closing.abort()
  }
}

// Too many writes that wait are a sign of it, too.
function isAway(error: unknown): boolean {
  return isWorthAnotherTry(error) || (error instanceof RouseError && error.code === 'ROUSE_DATABASE_FAILED')
}
