import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import { RouseError } from '../model/errors.ts'
import type { Submission } from './store-submit.ts'

/** What a build was made from, to be submitted again. Throws ROUSE_BUILD_UNKNOWN. */
export async function loadSubmission(
  db: Kysely<Database>,
  id: number,
): Promise<Pick<Submission, 'builders' | 'source' | 'properties' | 'priority'>> {
  const build = await db
    .selectFrom('builds')
    .innerJoin('requests', 'requests.id', 'builds.request_id')
    .innerJoin('builders', 'builders.id', 'builds.builder_id')
    .innerJoin('buildsets', 'buildsets.id', 'requests.buildset_id')
    .innerJoin('source_stamps', 'source_stamps.id', 'buildsets.source_stamp_id')
    .select(['builders.name', 'requests.priority', 'properties', 'repository', 'branch', 'revision'])
    .where('builds.id', '=', id)
    .executeTakeFirst()
  if (!build) throw new RouseError('ROUSE_BUILD_UNKNOWN', `there is no build ${id}`)
  const { branch, name, priority, properties, repository, revision } = build
  return { builders: [name], source: { repository, branch, revision }, properties, priority }
}
