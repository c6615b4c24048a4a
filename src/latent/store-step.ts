import { sql, type Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { Backoff, Backoffs } from './backoffs.ts'
import { storeBackoff } from './backoffs.ts'
import type { StartFailure } from './instance-event.ts'
import type { InstanceRow } from './instance-row.ts'
import { saveInstance, type InstanceFacts } from './ledger.ts'

export interface LedgerStep {
  readonly facts: InstanceFacts
  readonly before: InstanceRow
  readonly after: InstanceRow
  /** A start came to nothing: noted for the requests that waited for it, and for its template. */
  readonly failure: StartFailure | undefined
  readonly requests: readonly number[]
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
  { after, before, facts, failure, requests }: LedgerStep,
  { backoffs, master }: { backoffs: Backoffs; master: { readonly id: string; readonly epoch: number } },
): Promise<StoredStep | undefined> {
  const found = await trx
    .selectFrom('instances')
    .select(['state', 'attempt'])
    .where('id', '=', facts.id)
    .forUpdate()
    .executeTakeFirst()
  if (!(await saveInstance(trx, after, master))) return undefined
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
  return { backoff, requests: rows.map((row) => ({ id: row.id, attempts: row.start_attempts })) }
}
