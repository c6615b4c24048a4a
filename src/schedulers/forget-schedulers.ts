import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'

/** Marks what is not in the config any more; its rows stay, so that a scheduler that comes back goes on where it was. */
export async function forgetSchedulers(db: Kysely<Database>, configured: readonly string[]): Promise<void> {
  let update = db.updateTable('schedulers').set({ configured: false })
  if (configured.length > 0) update = update.where('name', 'not in', configured)
  await update.execute()
}
