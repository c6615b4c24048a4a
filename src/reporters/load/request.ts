import { sql, type Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { Property } from '../../model/properties.ts'
import type { Result } from '../../model/results.ts'
import type { SourceStamp } from '../../model/source-stamp.ts'
import type { ChangeFacts, RequestFacts } from '../facts.ts'

export async function loadRequest(db: Kysely<Database>, id: number): Promise<RequestFacts | undefined> {
  const row = await selectRequest(db, id)
  if (!row) return undefined
  const source = { repository: row.repository, branch: row.branch, revision: row.revision }
  return {
    id: row.id,
    builder: row.builder,
    builderDescription: row.description,
    buildset: row.buildset_id,
    reason: row.reason,
    origin: row.origin,
    scheduler: row.scheduler,
    source,
    changes: await changesOf(db, row.buildset_id),
    owners: ownersAmong(row.properties),
    properties: row.properties,
    submittedAt: row.submitted_at,
    completedAt: row.completed_at,
    result: row.result,
    cancelReason: row.cancel_reason,
    startFailure: row.start_failure,
    supersededBy: row.superseded_by,
    build: row.build,
    previousResult: await previousResult(db, row.builder_id, row.id, source),
  }
}

function selectRequest(db: Kysely<Database>, id: number) {
  return db
    .selectFrom('requests as r')
    .innerJoin('builders as b', 'b.id', 'r.builder_id')
    .innerJoin('buildsets as s', 's.id', 'r.buildset_id')
    .innerJoin('source_stamps as ss', 'ss.id', 's.source_stamp_id')
    .select([
      'r.id',
      'r.builder_id',
      'b.name as builder',
      'b.description',
      'r.buildset_id',
      's.reason',
      's.origin',
      's.scheduler',
      's.properties',
      'ss.repository',
      'ss.branch',
      'ss.revision',
      'r.submitted_at',
      'r.completed_at',
      'r.result',
      'r.cancel_reason',
      'r.start_failure',
      'r.superseded_by',
    ])
    .select((eb) =>
      eb
        .selectFrom('builds')
        .select('builds.id')
        .whereRef('builds.request_id', '=', 'r.id')
        .orderBy('builds.attempt', 'desc')
        .limit(1)
        .as('build'),
    )
    .where('r.id', '=', id)
    .executeTakeFirst()
}

async function changesOf(db: Kysely<Database>, buildset: number): Promise<ChangeFacts[]> {
  const rows = await db
    .selectFrom('source_stamp_changes as sc')
    .innerJoin('changes as c', 'c.id', 'sc.change_id')
    .select(['c.id', 'c.revision', 'c.branch', 'c.author', 'c.link'])
    .select([
      sql<string | null>`left(c.message, ${maxMessage}::int)`.as('message'),
      sql<string[]>`c.files[1:${maxFiles}::int]`.as('files'),
    ])
    .where('sc.buildset_id', '=', buildset)
    .orderBy('c.id', 'desc')
    .limit(maxChanges)
    .execute()
  // The newest ones, told in their order.
  return rows.toReversed()
}

/** People named by the properties `owner` (one) and `owners` (several), as Buildbot has them. */
function ownersAmong(properties: readonly Property[]): string[] {
  const named = properties
    .filter(({ name }) => name === 'owner' || name === 'owners')
    .flatMap(({ value }) => value)
    .filter((value): value is string => typeof value === 'string' && value !== '')
  return [...new Set(named)].slice(0, maxOwners)
}

// A builder has an index by its requests only, so that the look back has a bound.
async function previousResult(
  db: Kysely<Database>,
  builder: number,
  before: number,
  { repository, branch }: SourceStamp,
): Promise<Result | null> {
  const { rows } = await sql<{ result: Result }>`
    select r.result
    from (
      select id, buildset_id, result from requests
      where builder_id = ${builder} and id < ${before} order by id desc limit ${lookBack}
    ) r
    join buildsets s on s.id = r.buildset_id
    join source_stamps ss on ss.id = s.source_stamp_id
    where r.result in ('SUCCESS', 'WARNINGS', 'FAILURE', 'EXCEPTION')
      and ss.repository = ${repository} and ss.branch is not distinct from ${branch}
    order by r.id desc limit 1`.execute(db)
  return rows[0]?.result ?? null
}

const maxChanges = 100
const maxFiles = 100
const maxMessage = 10_000
const maxOwners = 100
const lookBack = 5000
