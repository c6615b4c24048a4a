import { sql, type Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { costOf } from '../../model/cost.ts'
import type { Result } from '../../model/results.ts'
import type { ApiBuild } from '../api.ts'

export interface BuildFilter {
  readonly builder?: string
  readonly worker?: string
  readonly state?: ApiBuild['state']
  readonly result?: Result
  /** Only ids below this one. */
  readonly cursor?: number
}

export async function listBuilds(
  db: Kysely<Database>,
  filter: BuildFilter,
  limit: number,
): Promise<ApiBuild[]> {
  let query = selectBuilds(db).orderBy('u.id', 'desc').limit(limit)
  const { builder, worker, state, result, cursor } = filter
  if (builder !== undefined) {
    query = query.where('u.builder_id', '=', (eb) =>
      eb.selectFrom('builders as named').select('named.id').where('named.name', '=', builder),
    )
  }
  if (worker !== undefined) {
    query = query.where('u.worker_id', '=', (eb) =>
      eb.selectFrom('workers as named').select('named.id').where('named.name', '=', worker),
    )
  }
  if (state !== undefined) query = query.where('u.result', state === 'running' ? 'is' : 'is not', null)
  if (result !== undefined) query = query.where('u.result', '=', result)
  if (cursor !== undefined) query = query.where('u.id', '<', cursor)
  return (await query.execute()).map(toApiBuild)
}

export async function findBuild(db: Kysely<Database>, id: number): Promise<ApiBuild | undefined> {
  const row = await selectBuilds(db).where('u.id', '=', id).executeTakeFirst()
  return row && toApiBuild(row)
}

export async function buildExists(db: Kysely<Database>, id: number): Promise<boolean> {
  return (await db.selectFrom('builds').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
}

function selectBuilds(db: Kysely<Database>) {
  return db
    .selectFrom('builds as u')
    .innerJoin('builders as b', 'b.id', 'u.builder_id')
    .innerJoin('workers as w', 'w.id', 'u.worker_id')
    .innerJoin('requests as r', 'r.id', 'u.request_id')
    .innerJoin('buildsets as s', 's.id', 'r.buildset_id')
    .innerJoin('source_stamps as ss', 'ss.id', 's.source_stamp_id')
    .leftJoin('instances as i', 'i.id', 'u.instance_id')
    .select([
      'u.id',
      'b.name as builder',
      'w.name as worker',
      'i.number as instance_number',
      'i.price_per_hour',
      'u.request_id',
      'r.buildset_id',
      'u.attempt',
      'u.result',
      'u.summary',
      's.reason',
      'ss.repository',
      'ss.branch',
      'ss.revision',
      'u.started_at',
      'u.finished_at',
      sql<Record<string, unknown>>`(select coalesce(json_object_agg(name, value order by name), '{}')
        from build_properties where build_id = u.id)`.as('properties'),
    ])
}

type Row = Awaited<ReturnType<ReturnType<typeof selectBuilds>['executeTakeFirstOrThrow']>>

function toApiBuild(row: Row): ApiBuild {
  return {
    id: row.id,
    builder: row.builder,
    worker: row.worker,
    instance: row.instance_number === null ? null : `${row.worker}/${row.instance_number}`,
    requestId: row.request_id,
    buildsetId: row.buildset_id,
    attempt: row.attempt,
    state: row.result === null ? 'running' : 'finished',
    result: row.result,
    summary: row.summary,
    reason: row.reason,
    source: { repository: row.repository, branch: row.branch, revision: row.revision },
    startedAt: row.started_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
    cost: costOf(row.price_per_hour, (row.finished_at?.getTime() ?? Date.now()) - row.started_at.getTime()),
    properties: row.properties,
  }
}
