import { sql, type Kysely } from 'kysely'
import type { BuilderConfig } from '../../config/types.ts'
import type { Database } from '../../db/schema.ts'
import type { Result } from '../../model/results.ts'
import type { ApiBuilder } from '../api.ts'

interface Row {
  readonly name: string
  readonly pending: number
  readonly running: number[]
  readonly last: { id: number; result: Result | null; finishedAt: string | null } | null
}

/** The config's builders, in the order given, with what the database knows of them. */
export async function describeBuilders(
  db: Kysely<Database>,
  configs: readonly BuilderConfig[],
): Promise<ApiBuilder[]> {
  const { rows } = await sql<Row>`
    select b.name,
      (select count(*)::int from requests where builder_id = b.id and state = 'pending') as pending,
      (select coalesce(json_agg(id order by id), '[]') from builds where builder_id = b.id and result is null) as running,
      (select json_build_object('id', id, 'result', result, 'finishedAt', finished_at)
        from builds where builder_id = b.id order by id desc limit 1) as last
    from builders b where b.name = any(${configs.map((config) => config.name)}::text[])`.execute(db)
  const byName = new Map(rows.map((row) => [row.name, row]))
  return configs.map((config) => toApiBuilder(config, byName.get(config.name)))
}

function toApiBuilder({ name, description, workers }: BuilderConfig, row: Row | undefined): ApiBuilder {
  const last = row?.last ?? null
  return {
    name,
    description: description ?? null,
    workers: [...workers],
    pendingRequests: row?.pending ?? 0,
    runningBuilds: row?.running ?? [],
    // JSON has PostgreSQL's form of a time, with its own offset.
    lastBuild: last && { ...last, finishedAt: last.finishedAt && new Date(last.finishedAt).toISOString() },
  }
}
