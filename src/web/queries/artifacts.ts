import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { ApiArtifact } from '../api.ts'
import { rowLimit, type PageRequest } from '../paging.ts'

/** In the order of their names, after that of the artifact `cursor`. */
export async function artifactsOfBuild(
  db: Kysely<Database>,
  buildId: number,
  wanted: PageRequest,
): Promise<ApiArtifact[]> {
  let query = selectArtifacts(db)
    .where('artifacts.build_id', '=', buildId)
    .orderBy('artifacts.name')
    .limit(rowLimit(wanted))
  if (wanted.cursor !== undefined) {
    const last = db.selectFrom('artifacts').select('name').where('id', '=', wanted.cursor)
    query = query.where('artifacts.name', '>', last)
  }
  const rows = await query.execute()
  return rows.map(({ path: _, ...row }) => ({ ...row, createdAt: row.createdAt.toISOString() }))
}

export interface ArtifactFile {
  readonly name: string
  /** Below the folder of artifacts. */
  readonly path: string
  readonly size: number
  readonly sha256: string
  readonly type: string
}

export async function findArtifact(db: Kysely<Database>, id: number): Promise<ArtifactFile | undefined> {
  return selectArtifacts(db).where('artifacts.id', '=', id).executeTakeFirst()
}

function selectArtifacts(db: Kysely<Database>) {
  return db
    .selectFrom('artifacts')
    .innerJoin('steps', 'steps.id', 'artifacts.step_id')
    .select([
      'artifacts.id',
      'artifacts.build_id as buildId',
      'artifacts.step_id as stepId',
      'steps.name as step',
      'artifacts.name',
      'artifacts.path',
      'artifacts.size',
      'artifacts.sha256',
      'artifacts.type',
      'artifacts.created_at as createdAt',
    ])
}
