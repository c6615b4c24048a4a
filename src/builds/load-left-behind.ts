import { sql, type Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'

/**
 * Requests that have not ended and whose result a step of another build asked for and waited for, although that step is
 * over: its build was cancelled, or is begun afresh, and its master had no time to cancel them. Each with why.
 */
export async function loadLeftBehind(db: Kysely<Database>): Promise<{ id: number; reason: string }[]> {
  // The key that `trigger` gives its buildset names build and step.
  const part = (pattern: string) => sql<number>`substring(s.idempotency_key from ${pattern})::bigint`
  const rows = await db
    .selectFrom('requests as r')
    .innerJoin('buildsets as s', 's.id', 'r.buildset_id')
    .innerJoin('steps', (join) => join.on('steps.id', '=', part('^rouse:trigger:[0-9]{1,18}:([0-9]{1,18}):')))
    .innerJoin('builds as parent', 'parent.id', 'steps.build_id')
    .leftJoin('builds as own', (join) =>
      join.onRef('own.request_id', '=', 'r.id').on('own.result', 'is', null),
    )
    .select(['r.id', 'parent.id as build', 'parent.cancel_reason as cancelled'])
    .where('r.state', '<>', 'complete')
    .where('r.waited_for', '=', true)
    .where('s.origin', '=', 'trigger')
    .where('steps.result', 'is not', null)
    // It is known already.
    .where('own.cancel_reason', 'is', null)
    .orderBy('r.id')
    .execute()
  return rows.map(({ build, cancelled, id }) => ({ id, reason: leftBehind(build, cancelled) }))
}

/** Why a request is cancelled that a build waited for. */
export function leftBehind(build: number, cancelled: string | null | undefined): string {
  return typeof cancelled === 'string'
    ? `build ${build}, which waits for it, was cancelled: ${cancelled}`
    : `build ${build} does not wait for it any more`
}
