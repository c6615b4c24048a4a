import { sql, type Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'

/** Has a notice tried once more, for another day, whatever has become of it; one that was sent is left alone. */
export async function retryNotice(trx: Transaction<Database>, id: number): Promise<void> {
  const notice = await trx
    .updateTable('notices')
    .set({
      state: sql<'new' | 'waiting'>`case when content is null then 'new' else 'waiting' end`,
      ended_at: null,
      next_attempt_at: sql<Date>`now()`,
      expires_at: sql<Date>`now() + interval '1 day'`,
      // Nothing has replaced it: somebody wants it to be sent.
      lane: sql<string | null>`case when ended_at is null then lane end`,
    })
    .where('id', '=', id)
    .where('state', '<>', 'sent')
    .where((eb) => eb.or([eb('claimed_until', 'is', null), eb('claimed_until', '<', sql<Date>`now()`)]))
    .returning(['reporter', 'target'])
    .executeTakeFirst()
  if (notice?.target == null) return
  await trx
    .updateTable('notice_targets')
    .set({ held_until: sql<Date>`now()` })
    .where('reporter', '=', notice.reporter)
    .where('target', '=', notice.target)
    .execute()
}
