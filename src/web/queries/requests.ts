import { sql, type Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { Result } from '../../model/results.ts'
import type { ApiRequest } from '../api.ts'
import type { QueueService } from '../services.ts'

export interface RequestFilter {
  readonly builder?: string
  readonly state?: ApiRequest['state']
  readonly result?: Result
  /** Only ids below this one. */
  readonly cursor?: number
}

export async function listRequests(
  db: Kysely<Database>,
  queue: QueueService,
  filter: RequestFilter,
  limit: number,
) {
  let query = selectRequests(db).orderBy('r.id', 'desc').limit(limit)
  const { builder, state, result, cursor } = filter
  if (builder !== undefined) {
    query = query.where('r.builder_id', '=', (eb) =>
      eb.selectFrom('builders').select('id').where('name', '=', builder),
    )
  }
  if (state !== undefined) query = query.where('r.state', '=', state)
  if (result !== undefined) query = query.where('r.result', '=', result)
  if (cursor !== undefined) query = query.where('r.id', '<', cursor)
  return (await query.execute()).map((row) => toApiRequest(row, queue))
}

export async function findRequest(db: Kysely<Database>, queue: QueueService, id: number) {
  const row = await selectRequests(db).where('r.id', '=', id).executeTakeFirst()
  return row && toApiRequest(row, queue)
}

function selectRequests(db: Kysely<Database>) {
  return db
    .selectFrom('requests as r')
    .innerJoin('builders as b', 'b.id', 'r.builder_id')
    .innerJoin('buildsets as s', 's.id', 'r.buildset_id')
    .innerJoin('source_stamps as ss', 'ss.id', 's.source_stamp_id')
    .select([
      'r.id',
      'b.name as builder',
      'r.buildset_id',
      'r.state',
      'r.result',
      'r.priority',
      's.reason',
      'ss.repository',
      'ss.branch',
      'ss.revision',
      'r.submitted_at',
      'r.claimed_at',
      'r.completed_at',
      'r.superseded_by',
      'r.start_failure',
      sql<number[]>`(select coalesce(json_agg(id order by id), '[]') from builds where request_id = r.id)`.as(
        'build_ids',
      ),
    ])
}

type Row = Awaited<ReturnType<ReturnType<typeof selectRequests>['executeTakeFirstOrThrow']>>

function toApiRequest(row: Row, queue: QueueService): ApiRequest {
  const waiting = row.state === 'pending' ? queue.waiting(row.id) : undefined
  return {
    id: row.id,
    builder: row.builder,
    buildsetId: row.buildset_id,
    state: row.state,
    result: row.result,
    priority: row.priority,
    reason: row.reason,
    source: { repository: row.repository, branch: row.branch, revision: row.revision },
    submittedAt: row.submitted_at.toISOString(),
    claimedAt: row.claimed_at?.toISOString() ?? null,
    completedAt: row.completed_at?.toISOString() ?? null,
    waitingFor: waiting?.reason ?? null,
    startFailure: row.start_failure,
    position: waiting?.position ?? null,
    supersededBy: row.superseded_by,
    buildIds: row.build_ids,
  }
}
