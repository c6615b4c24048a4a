import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'

/** Removes what ended long ago. */
export async function tidyNotices(db: Kysely<Database>, now: Date): Promise<void> {
  const old = db
    .selectFrom('notices')
    .select('id')
    .where('ended_at', '<', new Date(now.getTime() - keptFor))
    .limit(10_000)
  await db.deleteFrom('notices').where('id', 'in', old).execute()
}

/** Milliseconds: 30 days. */
const keptFor = 30 * 86_400_000
