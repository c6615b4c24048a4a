import { sql, type Selectable, type Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { WorkerSpec } from './worker-spec.ts'

/** Stores the config's workers; those no longer in it stay as rows, marked. Returns the rows by name. */
export async function syncWorkers(
  trx: Transaction<Database>,
  specs: readonly WorkerSpec[],
): Promise<Map<string, Selectable<Database['workers']>>> {
  const names = specs.map(({ name }) => name)
  await trx
    .updateTable('workers')
    .set({ configured: false })
    .where('name', '<>', sql<string>`all(${names})`)
    .execute()
  const rows = new Map<string, Selectable<Database['workers']>>()
  for (const { name, kind } of specs) {
    const row = await trx
      .insertInto('workers')
      .values({ name, kind, expected_since: sql<Date>`now()` })
      // One that comes back into the config is expected from then on.
      .onConflict((oc) =>
        oc.column('name').doUpdateSet({
          kind,
          configured: true,
          expected_since: sql<Date>`case when workers.configured then workers.expected_since else now() end`,
        }),
      )
      .returningAll()
      .executeTakeFirstOrThrow()
    rows.set(name, row)
  }
  return rows
}
