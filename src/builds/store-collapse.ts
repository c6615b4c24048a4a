import { sql, type Transaction } from 'kysely'
import type { CollapseRequests } from '../config/types.ts'
import type { Database } from '../db/schema.ts'
import { noteRequest } from '../db/store-notice.ts'
import { collapsedBy } from './collapse.ts'
import { storeBuildsetEnd } from './store-result.ts'
import { selectWaiting, waitingRequest } from './waiting-requests.ts'

type Trx = Transaction<Database>

export interface SupersededRequest {
  readonly id: number
  readonly builder: string
  readonly by: number
}

export interface Collapsed {
  readonly superseded: readonly SupersededRequest[]
  /** Of the newer request: the highest of all. */
  readonly priority: number
}

/**
 * Ends the older pending requests that a new one of a scheduler makes superfluous: SKIPPED, pointing to the newer, which
 * inherits their priority. In the transaction that stores the newer; what is claimed meanwhile stays.
 */
export async function storeCollapse(
  trx: Trx,
  newerId: number,
  rule: CollapseRequests,
  say: (error: unknown) => void,
): Promise<Collapsed> {
  const newer = waitingRequest(await selectWaiting(trx).where('r.id', '=', newerId).executeTakeFirstOrThrow())
  if (rule === false) return { superseded: [], priority: newer.priority }
  const { branch, repository } = newer.source
  let query = selectWaiting(trx)
    .where('b.name', '=', newer.builder)
    .where('r.state', '=', 'pending')
    .where('r.waited_for', '=', false)
    .where('s.origin', '=', 'scheduler')
    .where('r.id', '<', newerId)
    .orderBy('r.id', 'desc')
  if (rule === true) {
    query = query.where('p.repository', '=', repository).where('p.branch', 'is not distinct from', branch)
  } else if (rule !== 'all') query = query.limit(mostShown)
  const superfluous = collapsedBy(newer, (await query.execute()).map(waitingRequest), rule, say)
  if (superfluous.length === 0) return { superseded: [], priority: newer.priority }
  const ended = await trx
    .updateTable('requests')
    .set({ state: 'complete', result: 'SKIPPED', superseded_by: newerId, completed_at: sql<Date>`now()` })
    .where(
      'id',
      'in',
      superfluous.map(({ id }) => id),
    )
    .where('state', '=', 'pending')
    .returning(['id', 'buildset_id', 'priority'])
    .execute()
  for (const { id } of ended)
    await noteRequest(trx, { type: 'request.completed', request: id, result: 'SKIPPED' })
  for (const buildset of new Set(ended.map((row) => row.buildset_id))) await storeBuildsetEnd(trx, buildset)
  const priority = Math.max(newer.priority, ...ended.map((row) => row.priority))
  if (priority > newer.priority) {
    await trx.updateTable('requests').set({ priority }).where('id', '=', newerId).execute()
  }
  return { superseded: ended.map(({ id }) => ({ id, builder: newer.builder, by: newerId })), priority }
}

/** Requests that a function of the config is asked about. */
const mostShown = 100
