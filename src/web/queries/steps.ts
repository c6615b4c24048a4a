import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { ApiStep } from '../api.ts'

/** In the order they run. */
export async function stepsOfBuild(db: Kysely<Database>, buildId: number): Promise<ApiStep[]> {
  const rows = await db
    .selectFrom('steps')
    .selectAll()
    .where('build_id', '=', buildId)
    .orderBy('number')
    .execute()
  return rows.map((row) => ({
    id: row.id,
    buildId: row.build_id,
    number: row.number,
    name: row.name,
    state: row.result !== null ? 'finished' : row.started_at ? 'running' : 'pending',
    result: row.result,
    summary: row.summary,
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
  }))
}

export async function stepExists(db: Kysely<Database>, id: number): Promise<boolean> {
  return (await db.selectFrom('steps').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
}
