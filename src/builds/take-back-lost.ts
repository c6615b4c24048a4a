import { sql, type Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { Result } from '../model/results.ts'
import type { PendingRequest } from './pending-queue.ts'
import { storeBuildEnd } from './store-result.ts'

export interface LostBuild {
  readonly build: number
  readonly builder: string
  readonly request: number
  readonly result: Result
  readonly worker: string
  /** Its request, when it waits again. */
  readonly again: PendingRequest | undefined
}

/** Ends unfinished builds of masters that have stopped or lost their lease, and lets their requests wait again. */
export async function takeBackLost(
  trx: Transaction<Database>,
  o: { masterId: string; maxInfraRetries: number },
): Promise<LostBuild[]> {
  const rows = await trx
    .selectFrom('builds')
    .innerJoin('masters', 'masters.id', 'builds.owner')
    .innerJoin('requests', 'requests.id', 'builds.request_id')
    .innerJoin('builders', 'builders.id', 'builds.builder_id')
    .innerJoin('workers', 'workers.id', 'builds.worker_id')
    .select(['builds.id', 'builds.attempt', 'builds.epoch', 'builds.request_id', 'builds.cancel_reason'])
    .select([
      'requests.buildset_id',
      'requests.priority',
      'builders.name as builder',
      'workers.name as worker',
    ])
    .where('builds.result', 'is', null)
    .where('masters.id', '<>', o.masterId)
    .where((eb) =>
      eb.or([eb('masters.stopped_at', 'is not', null), eb('masters.lease_until', '<', sql<Date>`now()`)]),
    )
    .orderBy('builds.id')
    .execute()
  const lost: LostBuild[] = []
  for (const row of rows) {
    const { builder, worker } = row
    const mayRetry = row.attempt <= o.maxInfraRetries
    const result = row.cancel_reason !== null ? 'CANCELLED' : mayRetry ? 'RETRY' : 'EXCEPTION'
    const summary = row.cancel_reason ?? 'the master was restarted'
    const end = {
      buildId: row.id,
      requestId: row.request_id,
      buildsetId: row.buildset_id,
      epoch: row.epoch,
      result,
      summary,
    } as const
    const retry = result === 'RETRY' ? { retry: { notBefore: new Date(0), avoidWorkerId: null } } : {}
    if (!(await storeBuildEnd(trx, { ...end, ...retry }))) continue
    const again =
      result === 'RETRY'
        ? { id: row.request_id, builder, priority: row.priority, notBefore: 0, avoidWorker: undefined }
        : undefined
    lost.push({ build: row.id, builder, request: row.request_id, result, worker, again })
  }
  return lost
}
