import type { Transaction } from 'kysely'
import type { BuilderConfig } from '../config/types.ts'
import type { Database } from '../db/schema.ts'

/** Stores the config's builders; those no longer in it stay as rows, marked. */
export async function syncBuilders(
  trx: Transaction<Database>,
  builders: readonly BuilderConfig[],
): Promise<void> {
  await trx.updateTable('builders').set({ configured: false }).execute()
  for (const { description = null, name } of builders) {
    await trx
      .insertInto('builders')
      .values({ name, description })
      .onConflict((oc) => oc.column('name').doUpdateSet({ description, configured: true }))
      .execute()
  }
}
