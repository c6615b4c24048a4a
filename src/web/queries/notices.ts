import { sql, type Kysely } from 'kysely'
import type { NoticeState } from '../../db/notice-tables.ts'
import type { Database } from '../../db/schema.ts'
import type { ApiNotice } from '../notice-api.ts'

export interface NoticeFilter {
  readonly reporter?: string
  readonly state?: NoticeState
  /** Only ids below this one. */
  readonly cursor?: number
}

export async function listNotices(
  db: Kysely<Database>,
  { cursor, reporter, state }: NoticeFilter,
  limit: number,
): Promise<ApiNotice[]> {
  let query = selectNotices(db).orderBy('id', 'desc').limit(limit)
  if (reporter !== undefined) query = query.where('reporter', '=', reporter)
  if (state !== undefined) query = query.where('state', '=', state)
  if (cursor !== undefined) query = query.where('id', '<', cursor)
  return (await query.execute()).map(toApiNotice)
}

export async function findNotice(db: Kysely<Database>, id: number): Promise<ApiNotice | undefined> {
  const row = await selectNotices(db).where('id', '=', id).executeTakeFirst()
  return row && toApiNotice(row)
}

function selectNotices(db: Kysely<Database>) {
  return db
    .selectFrom('notices')
    .select(['id', 'reporter', 'state', 'target', 'subject', 'attempts', 'error'])
    .select(['created_at', 'next_attempt_at', 'ended_at'])
    .select(sql<string>`event ->> 'type'`.as('event'))
}

type Row = Awaited<ReturnType<ReturnType<typeof selectNotices>['executeTakeFirstOrThrow']>>

function toApiNotice({ error, ...row }: Row): ApiNotice {
  return {
    id: row.id,
    reporter: row.reporter,
    event: row.event,
    state: row.state,
    target: row.target,
    subject: row.subject,
    attempts: row.attempts,
    error: error?.message ?? null,
    advice: error?.advice ?? null,
    createdAt: row.created_at.toISOString(),
    nextAttemptAt: row.ended_at ? null : row.next_attempt_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
  }
}
