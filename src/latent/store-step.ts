import { sql, type Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import { storeMissing } from '../fleet/store-missing.ts'
import type { Backoff, Backoffs } from './backoffs.ts'
import { storeBackoff } from './backoffs.ts'
import type { StartFailure } from './instance-event.ts'
import type { InstanceRow } from './instance-row.ts'
import { storeParking } from './store-parking.ts'
import { saveInstance, type InstanceFacts } from './ledger.ts'

export interface LedgerStep {
  readonly facts: InstanceFacts
  readonly before: InstanceRow
  readonly after: InstanceRow
  /** A start came to nothing: noted for the requests that waited for it, and for its template. */
  readonly failure: StartFailure | undefined
  readonly requests: readonly number[]
  /** Why it has vanished although it had builds. */
  readonly lost: string | undefined
  /** How often the start of one instance, or starts for one request, may fail. */
  readonly mostAttempts: number
  readonly now: Date
  /** Whether people are told when the worker is missing. */
  readonly isWatched: boolean
}

export interface StoredStep {
  readonly backoff: Backoff | undefined
  /** How often starts for these requests have failed. */
  readonly requests: readonly { readonly id: number; readonly attempts: number }[]
}

/**
 * Stores one decision with what belongs to it. Undefined when the instance is another master's. May run again after a commit
 * whose answer was lost: a failure is counted once.
 */
export async function storeStep(
  trx: Transaction<Database>,
  step: LedgerStep,
  { backoffs, master }: { backoffs: Backoffs; master: { readonly id: string; readonly epoch: number } },
): Promise<StoredStep | undefined> {
  const { after, before, facts, failure, lost, requests } = step
  const found = await trx
    .selectFrom('instances')
    .select(['state', 'attempt'])
    .where('id', '=', facts.id)
    .forUpdate()
    .executeTakeFirst()
  if (!(await saveInstance(trx, after, master))) return undefined
  await storeParking(trx, before, after)
  if (lost !== undefined) await noteMissing(trx, step, step.now, `an instance vanished in a build: ${lost}`)
  if (!failure) return { backoff: undefined, requests: [] }
  const isNew = found?.state === before.state && found.attempt === before.attempt
  const counted = isNew && failure.code !== 'CAPACITY' ? 1 : 0
  const backoff = backoffs.after(facts.workerId, facts.templateHash, failure)
  await storeBackoff(trx, facts.workerId, facts.templateHash, backoff)
  const rows =
    requests.length === 0
      ? []
      : await trx
          .updateTable('requests')
          .set({
            start_attempts: sql<number>`start_attempts + ${counted}`,
            start_failure: failure.message.replaceAll('\0', '\ufffd').slice(0, 2000),
          })
          .where('id', 'in', requests)
          .where('state', '=', 'pending')
          .returning(['id', 'start_attempts'])
          .execute()
  if (isGivenUp(step, rows)) {
    const since = new Date(before.createdAt)
    await noteMissing(trx, step, since, `its starts are given up: ${failure.message}`)
  }
  return { backoff, requests: rows.map((row) => ({ id: row.id, attempts: row.start_attempts })) }
}

function isGivenUp(
  { after, before, failure, mostAttempts }: LedgerStep,
  requests: readonly { readonly start_attempts: number }[],
): boolean {
  if (failure?.code === 'CAPACITY') return false
  const ends = after.state === 'stopping' && before.attempt >= mostAttempts
  return ends || failure?.code === 'REJECTED' || requests.some(({ start_attempts: n }) => n >= mostAttempts)
}

async function noteMissing(
  trx: Transaction<Database>,
  { facts, isWatched, now }: LedgerStep,
  since: Date,
  reason: string,
): Promise<void> {
  if (!isWatched) return
  await storeMissing(trx, { id: facts.workerId, name: facts.worker, since, reason, now })
}
