import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import { Properties } from '../model/properties.ts'
import type { CollapsibleRequest } from './collapse.ts'

/** Requests with all that functions in the config may know of them. */
export function selectWaiting(db: Kysely<Database>) {
  return db
    .selectFrom('requests as r')
    .innerJoin('builders as b', 'b.id', 'r.builder_id')
    .innerJoin('buildsets as s', 's.id', 'r.buildset_id')
    .innerJoin('source_stamps as p', 'p.id', 's.source_stamp_id')
    .select(['r.id', 'b.name as builder', 'r.priority', 'r.submitted_at', 's.reason', 's.properties'])
    .select(['p.repository', 'p.branch', 'p.revision'])
}

type Row = Awaited<ReturnType<ReturnType<typeof selectWaiting>['executeTakeFirstOrThrow']>>

export function waitingRequest(row: Row): CollapsibleRequest {
  const { branch, builder, id, priority, properties, reason, repository, revision, submitted_at } = row
  return {
    id,
    builder,
    priority,
    reason,
    submittedAt: submitted_at,
    source: { repository, branch, revision },
    properties: new Properties(properties),
    submitted: properties,
  }
}
