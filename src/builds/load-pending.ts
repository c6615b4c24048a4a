import { sql, type Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { PendingRequest } from './pending-queue.ts'

/** Every request that waits, as it is stored. */
export async function loadPending(db: Kysely<Database>): Promise<PendingRequest[]> {
  const rows = await db
    .selectFrom('requests')
    .innerJoin('builders', 'builders.id', 'requests.builder_id')
    .leftJoin('workers', 'workers.id', 'requests.avoid_worker_id')
    .select([
      'requests.id',
      'requests.priority',
      'requests.not_before',
      'requests.waited_for',
      'builders.name',
      'workers.name as avoid',
    ])
    .where('requests.state', '=', 'pending')
    .orderBy('requests.id')
    .execute()
  return rows.map((row) => ({
    id: row.id,
    builder: row.name,
    priority: row.priority,
    notBefore: row.not_before?.getTime() ?? 0,
    avoidWorker: row.avoid ?? undefined,
    waitedFor: row.waited_for,
  }))
}

/** Those of these requests that have ended, or that another master than this one builds. */
export async function loadGone(
  db: Kysely<Database>,
  ids: readonly number[],
  master: string,
): Promise<number[]> {
  const rows = await db
    .selectFrom('requests')
    .select('id')
    .where('id', '=', sql<number>`any(${ids})`)
    .where((eb) =>
      eb.or([eb('state', '=', 'complete'), eb.and([eb('state', '=', 'claimed'), eb('owner', '<>', master)])]),
    )
    .execute()
  return rows.map(({ id }) => id)
}
