import type { Selectable, Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { WorkerSpec } from './worker-spec.ts'

/** Stores the config's workers; those no longer in it stay as rows, marked. Returns the rows by name. */
export async function syncWorkers(
  trx: Transaction<Database>,
  specs: readonly WorkerSpec[],
): Promise<Map<string, Selectable<Database['workers']>>> {
  await trx.updateTable('workers').set({ configured: false }).execute()
  const rows = new Map<string, Selectable<Database['workers']>>()
  for (const { name, kind } of specs) {
    const row = await trx
      .insertInto('workers')
      .values({ name, kind })
      .onConflict((oc) => oc.column('name').doUpdateSet({ kind, configured: true }))
      .returningAll()
      .executeTakeFirstOrThrow()
    rows.set(name, row)
  }
  return rows
}
