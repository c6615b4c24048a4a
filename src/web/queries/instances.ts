import { sql, type Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { InstanceState } from '../../model/instance-state.ts'
import { costOf } from '../../model/cost.ts'
import type { ApiInstance } from '../instance-api.ts'
import { whyInstance } from '../why-instance.ts'

export interface InstanceFilter {
  readonly worker?: string
  readonly state?: InstanceState
  /** Also those that are gone. */
  readonly all?: boolean
  /** The id of the last one of the page before. */
  readonly cursor?: string
}

/** Newest first. */
export async function listInstances(
  db: Kysely<Database>,
  { all = false, cursor, state, worker }: InstanceFilter,
  limit: number,
): Promise<ApiInstance[]> {
  let query = selectInstances(db).orderBy('i.created_at', 'desc').orderBy('i.id').limit(limit)
  if (state !== undefined) query = query.where('i.state', '=', state)
  else if (!all) query = query.where('i.state', '<>', 'gone')
  if (worker !== undefined) query = query.where('w.name', '=', worker)
  if (cursor !== undefined)
    query = query.where(
      sql<boolean>`exists (select from instances last where last.id = ${cursor}
        and (i.created_at < last.created_at or (i.created_at = last.created_at and i.id > last.id)))`,
    )
  return answered(await query.execute())
}

export async function findInstance(db: Kysely<Database>, id: string): Promise<ApiInstance | undefined> {
  return answered(await selectInstances(db).where('i.id', '=', id).execute())[0]
}

/** Those of the workers that are not gone, by place. */
export async function liveInstancesOf(
  db: Kysely<Database>,
  workers: readonly string[],
): Promise<ApiInstance[]> {
  if (workers.length === 0) return []
  const query = selectInstances(db).where('i.state', '<>', 'gone').where('w.name', 'in', workers)
  return answered(await query.orderBy('i.number').execute())
}

function selectInstances(db: Kysely<Database>) {
  return db
    .selectFrom('instances as i')
    .innerJoin('workers as w', 'w.id', 'i.worker_id')
    .select([
      'i.id',
      'w.name as worker',
      'i.number',
      'i.state',
      'i.ref',
      'i.detail',
      'i.backend',
      'i.deadline',
      'i.retry_at',
      'i.created_at',
      'i.changed_at',
      'i.attempt',
      'i.builds',
      'i.parkings',
      'i.stop_reason',
      'i.price_per_hour',
      sql<number[]>`(select coalesce(json_agg(id order by id), '[]') from builds
        where instance_id = i.id and result is null)`.as('running_builds'),
      sql<number>`(select coalesce(sum(extract(epoch from
          coalesce(p.until, case when i.state = 'gone' then i.changed_at else now() end) - p.since)), 0)::float8 * 1000
        from parkings p where p.instance_id = i.id)`.as('parked_ms'),
    ])
}

type Row = Awaited<ReturnType<ReturnType<typeof selectInstances>['executeTakeFirstOrThrow']>>

function answered(rows: readonly Row[]): ApiInstance[] {
  const now = Date.now()
  return rows.map((row) => toApiInstance(row, now))
}

function toApiInstance(row: Row, now: number): ApiInstance {
  const end = row.state === 'gone' ? row.changed_at.getTime() : now
  const waits = row.state === 'attached' && row.stop_reason === null
  return {
    id: row.id,
    name: `${row.worker}/${row.number}`,
    worker: row.worker,
    state: row.state,
    why: whyInstance(
      {
        state: row.state,
        attempt: row.attempt,
        detail: row.detail,
        parkings: row.parkings,
        deadline: row.deadline?.getTime() ?? null,
        retryAt: row.retry_at?.getTime() ?? null,
        stopReason: row.stop_reason,
        runningBuilds: row.running_builds,
      },
      now,
    ),
    detail: row.detail,
    ref: row.ref,
    backend: row.backend,
    createdAt: row.created_at.toISOString(),
    changedAt: row.changed_at.toISOString(),
    age: Math.max(0, Math.round((end - row.created_at.getTime()) / 1000)),
    idleUntil: waits ? (row.deadline?.toISOString() ?? null) : null,
    attempt: row.attempt,
    builds: row.builds,
    runningBuilds: row.running_builds,
    stopReason: row.stop_reason,
    pricePerHour: row.price_per_hour,
    cost: costOf(row.price_per_hour, end - row.created_at.getTime() - row.parked_ms),
  }
}
