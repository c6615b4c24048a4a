import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { Clock } from '../util/clock.ts'
import type { ArtifactStore } from './artifact-store.ts'

/** Removes the files of artifacts that were never stored. */
export async function tidyArtifacts(
  store: ArtifactStore,
  { clock, db, signal }: { clock: Clock; db: Kysely<Database>; signal: AbortSignal },
): Promise<void> {
  const isStored = async (buildId: number, paths: readonly string[]) => {
    const rows = await db
      .selectFrom('artifacts')
      .select('path')
      .where('build_id', '=', buildId)
      .where('path', 'in', paths)
      .execute()
    return new Set(rows.map(({ path }) => path))
  }
  await store.tidy(isStored, { before: clock.now() - grace, signal })
}

/** Milliseconds. */
const grace = 3_600_000
