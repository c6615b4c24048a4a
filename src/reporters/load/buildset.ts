import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { BuildsetFacts, RequestFacts } from '../facts.ts'
import { loadRequest } from './request.ts'

export async function loadBuildset(db: Kysely<Database>, id: number): Promise<BuildsetFacts | undefined> {
  const row = await db
    .selectFrom('buildsets as s')
    .innerJoin('source_stamps as ss', 'ss.id', 's.source_stamp_id')
    .select(['s.id', 's.reason', 's.result', 's.submitted_at', 's.completed_at'])
    .select(['ss.repository', 'ss.branch', 'ss.revision'])
    .where('s.id', '=', id)
    .executeTakeFirst()
  if (!row) return undefined
  return {
    id: row.id,
    reason: row.reason,
    result: row.result,
    submittedAt: row.submitted_at,
    completedAt: row.completed_at,
    source: { repository: row.repository, branch: row.branch, revision: row.revision },
    requests: await requestsOf(db, id),
  }
}

async function requestsOf(db: Kysely<Database>, buildset: number): Promise<RequestFacts[]> {
  const ids = await db
    .selectFrom('requests')
    .select('id')
    .where('buildset_id', '=', buildset)
    .orderBy('id')
    .limit(maxRequests)
    .execute()
  const requests: RequestFacts[] = []
  for (const { id } of ids) {
    const request = await loadRequest(db, id)
    if (request) requests.push(request)
  }
  return requests
}

const maxRequests = 100
