import { sql, type Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import { noteWorker } from '../db/store-notice.ts'
import { isFlapping, lossWindow, type Missing } from './missing.ts'
import type { Worker } from './worker.ts'

export interface FoundMissing {
  /** Of the worker's row. */
  readonly id: number
  readonly name: string
  readonly since: Date
  readonly reason: string
  readonly now: Date
  /** What was seen of it: it must be so still, for its agent may have come meanwhile. */
  readonly why?: Missing['why']
}

/** Notes that a worker is missing, once until it is connected again. False when that was noted before. */
export async function storeMissing(trx: Transaction<Database>, found: FoundMissing): Promise<boolean> {
  const { id, name, now, reason, since, why } = found
  let update = trx
    .updateTable('workers')
    .set({ missing_since: since, missing_noticed_at: now })
    .where('id', '=', id)
    .where('missing_noticed_at', 'is', null)
  if (why === 'wanted') update = update.where('wanted_since', 'is not', null)
  if (why === 'short') update = update.where('short_since', 'is not', null)
  if (why === 'away')
    update = update.where(({ exists, not, selectFrom }) =>
      not(
        exists(
          selectFrom('sessions')
            .select('id')
            .where('worker_id', '=', id)
            .where('disconnected_at', 'is', null),
        ),
      ),
    )
  const worker = await update.returning(['last_address', 'last_seen_at']).executeTakeFirst()
  if (!worker) return false
  const builds = await trx
    .selectFrom('builds')
    .select('id')
    .where('worker_id', '=', id)
    .where((eb) =>
      eb.or([eb('result', 'is', null), eb.and([eb('result', '=', 'RETRY'), eb('finished_at', '>=', since)])]),
    )
    .orderBy('id', 'desc')
    .limit(mostBuilds)
    .execute()
  const event = {
    type: 'worker.missing' as const,
    worker: name,
    since: since.toISOString(),
    reason: reason.replaceAll('\0', '\ufffd').slice(0, 1000),
    lastAddress: worker.last_address,
    lastSeenAt: worker.last_seen_at?.toISOString() ?? null,
    builds: builds.map((build) => build.id),
  }
  await noteWorker(trx, event, now)
  return true
}

/** Its agent is there: what was missing is no more, and is told of next time. */
export async function storeFound(
  trx: Transaction<Database>,
  { rowId, spec }: Worker,
  { address, now }: { readonly address: string; readonly now: Date },
): Promise<void> {
  const missing = await trx
    .selectFrom('workers')
    .select('missing_since')
    .where('id', '=', rowId)
    .where('missing_noticed_at', 'is not', null)
    .forUpdate()
    .executeTakeFirst()
  await trx
    .updateTable('workers')
    .set({ wanted_since: null, short_since: null, missing_since: null, missing_noticed_at: null })
    .where('id', '=', rowId)
    .execute()
  if (!missing || !spec.missing?.recovery) return
  const missingSince = (missing.missing_since ?? now).toISOString()
  const event = { type: 'worker.recovered' as const, worker: spec.name, missingSince, address }
  await noteWorker(trx, { ...event, recoveredAt: now.toISOString() }, now)
}

/** Its connection is lost: too often lately? */
export async function storeLoss(
  trx: Transaction<Database>,
  { rowId, spec }: Worker,
  { now, reason }: { readonly now: Date; readonly reason: string },
): Promise<void> {
  if (!spec.missing?.flapping || orderly.includes(reason)) return
  const lost = await trx
    .selectFrom('sessions')
    .select('disconnected_at')
    .where('worker_id', '=', rowId)
    .where('disconnected_at', '>', new Date(now.getTime() - lossWindow))
    .where('disconnect_reason', 'not in', orderly)
    .execute()
  const worker = await trx
    .selectFrom('workers')
    .select('flapping_noticed_at')
    .where('id', '=', rowId)
    .forUpdate()
    .executeTakeFirstOrThrow()
  const losses = lost.map((session) => session.disconnected_at!.getTime())
  if (!isFlapping(losses, worker.flapping_noticed_at?.getTime() ?? null, now.getTime())) return
  await trx
    .updateTable('workers')
    .set({ flapping_noticed_at: sql<Date>`${now}` })
    .where('id', '=', rowId)
    .execute()
  const event = { type: 'worker.flapping' as const, worker: spec.name, losses: losses.length }
  await noteWorker(trx, { ...event, at: now.toISOString(), lastReason: reason }, now)
}

/** Ends of a connection that somebody wanted. */
const orderly = [
  'the master is stopping',
  'the master was restarted',
  'replaced by a new connection',
  'it is no longer in the config',
  'this instance has ended',
  'this instance is being reset',
  'the agent left',
  'the lease is lost',
]
/** That a mail names. */
const mostBuilds = 20
