import { sql, type Kysely } from 'kysely'
import { roundedCost } from '../model/cost.ts'
import type { Database } from './schema.ts'

export interface DayCost {
  /** Where the day begins. */
  readonly day: Date
  readonly worker: string
  readonly cost: number
  /** Seconds that its instances existed on that day, without those for which their machines were shut down. */
  readonly seconds: number
  /** How many of them there were. */
  readonly instances: number
}

export interface CostQuery {
  /** Where the days begin; each has 24 hours. */
  readonly days: readonly Date[]
  readonly now: Date
  /** Default: all. */
  readonly workers?: readonly string[]
  /** So many rows, without the first `offset` of them. Default: all. */
  readonly limit?: number
  readonly offset?: number
}

/**
 * What instances with a price have cost, by day and worker, newest day first: from the moment they were asked for until they
 * were surely gone, without the times at which they were parked. Days and workers without any are left out.
 */
export async function costsByDay(
  db: Kysely<Database>,
  { days, limit, now, offset = 0, workers }: CostQuery,
): Promise<DayCost[]> {
  const ofWorkers = workers ? sql`and w.name = any(${workers})` : sql``
  const { rows } = await sql<DayCost>`
    select day, w.name as worker, count(*)::int as instances,
      sum(seconds)::float8 as seconds, sum(seconds * i.price_per_hour / 3600)::float8 as cost
    from unnest(${days}::timestamptz[]) as day
      join instances i on i.price_per_hour is not null
        and i.created_at < least(day + interval '24 hours', ${now})
        and (i.state <> 'gone' or i.changed_at > day)
      join workers w on w.id = i.worker_id ${ofWorkers},
      lateral (select case when i.state = 'gone' then i.changed_at else ${now}::timestamptz end as ended),
      lateral (select coalesce(sum(extract(epoch from
        least(p.until, ended, day + interval '24 hours') - greatest(p.since, day))), 0) as parked
        from parkings p where p.instance_id = i.id and p.since < least(ended, day + interval '24 hours')
          and (p.until is null or p.until > day)),
      lateral (select extract(epoch from
        least(ended, day + interval '24 hours') - greatest(i.created_at, day)) - parked as seconds)
    group by day, w.name
    order by day desc, w.name
    limit ${limit ?? null} offset ${offset}`.execute(db)
  return rows.map((row) => ({ ...row, cost: roundedCost(row.cost), seconds: Math.round(row.seconds) }))
}
