import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import { systemClock, type Clock } from '../util/clock.ts'
import { leaseEnd, leaseSeconds } from './register-master.ts'
import type { Database } from './schema.ts'

export interface KeepLeaseOptions {
  /** The master's id. */
  readonly id: string
  /** Called once, before the lease ends, when it cannot be renewed: from then on another master may take over. */
  readonly onLost: (reason: string) => void
  readonly log: Logger
  readonly signal: AbortSignal
  readonly clock?: Clock
}

/**
 * Renews the lease every 10 s until the signal is aborted or the lease is lost. Call it right after `registerMaster`.
 * Never rejects.
 */
export async function keepLease(db: Kysely<Database>, options: KeepLeaseOptions): Promise<void> {
  const { id, onLost, log, signal, clock = systemClock } = options
  // Counted from before the answer came, so that it ends before the database's own count does.
  let end = clock.now() + usableLease
  let wait = renewInterval
  while (await slept(clock, wait, signal)) {
    const asked = clock.now()
    // After a machine has slept the lease may be over by our clock while nobody took it: one try tells.
    const answer = await within(clock, Math.max(end - asked, shortestTry), signal, renew(db, id, log))
    if (signal.aborted) return
    if (answer === 'taken') return onLost('the database says that this master has stopped')
    if (answer === 'renewed') {
      end = asked + usableLease
      wait = renewInterval
    } else {
      if (clock.now() >= end) return onLost('the lease could not be renewed in the database before it ended')
      wait = Math.min(retryInterval, end - clock.now())
    }
  }
}

async function renew(
  db: Kysely<Database>,
  id: string,
  log: Logger,
): Promise<'renewed' | 'taken' | 'unknown'> {
  try {
    const [result] = await db
      .updateTable('masters')
      .set({ lease_until: leaseEnd })
      .where('id', '=', id)
      .where('stopped_at', 'is', null)
      .execute()
    return result!.numUpdatedRows > 0n ? 'renewed' : 'taken'
  } catch (error) {
    log.warn({ err: error }, 'could not renew the lease; trying again')
    return 'unknown'
  }
}

async function within<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  answer: Promise<T>,
): Promise<T | 'unknown'> {
  const answered = new AbortController()
  const timeout = slept(clock, ms, AbortSignal.any([signal, answered.signal])).then(() => 'unknown' as const)
  try {
    return await Promise.race([answer, timeout])
  } finally {
    answered.abort()
  }
}

/** False when the signal was aborted. */
async function slept(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  await clock.sleep(ms, signal).catch(() => {})
  return !signal.aborted
}

const renewInterval = 10_000
const retryInterval = 1_000
const shortestTry = 2_000
// The margin is for closing what must be closed before another master may begin.
const usableLease = (leaseSeconds - 3) * 1000
