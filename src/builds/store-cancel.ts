import type { Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import { storeRequestEnd } from './store-result.ts'

/**
 * Ends a request that waits. When it is being built by another master, that build is to be cancelled by whoever takes it up.
 * False when the request does not wait any more.
 */
export async function storeRequestCancel(
  trx: Transaction<Database>,
  requestId: number,
  buildsetId: number,
  reason: string,
): Promise<boolean> {
  const waiting = await trx
    .updateTable('requests')
    .set({ cancel_reason: reason })
    .where('id', '=', requestId)
    .where('state', '=', 'pending')
    .returning('id')
    .executeTakeFirst()
  if (waiting) return storeRequestEnd(trx, requestId, buildsetId, 'CANCELLED')
  await storeBuildCancel(trx, { request_id: requestId }, reason)
  return false
}

/** Notes that somebody wants the build to end. False when it has ended. */
export async function storeBuildCancel(
  trx: Transaction<Database>,
  which: { readonly id: number } | { readonly request_id: number },
  reason: string,
): Promise<boolean> {
  const [column, value] =
    'id' in which ? (['id', which.id] as const) : (['request_id', which.request_id] as const)
  const wish = await trx
    .updateTable('builds')
    .set({ cancel_reason: reason })
    .where(column, '=', value)
    .where('result', 'is', null)
    .executeTakeFirst()
  return wish.numUpdatedRows > 0n
}
