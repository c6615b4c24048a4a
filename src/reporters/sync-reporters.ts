import { sql, type Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { Reporter } from './reporter.ts'

/** Stores what the config's reporters want to know. What waits for others is dropped, and stays to be seen. */
export async function syncReporters(
  trx: Transaction<Database>,
  reporters: readonly Reporter[],
): Promise<void> {
  const names = reporters.map(({ name }) => name)
  await trx
    .updateTable('reporters')
    .set({ configured: false })
    .where('name', '<>', sql<string>`all(${names})`)
    .execute()
  for (const { interest, kind, name } of reporters) {
    const wants = {
      kind,
      configured: true,
      events: [...interest.events],
      builders: interest.builders ?? null,
    }
    const row = { ...wants, builders: wants.builders && [...wants.builders] }
    await trx
      .insertInto('reporters')
      .values({ name, ...row })
      .onConflict((oc) => oc.column('name').doUpdateSet(row))
      .execute()
  }
  const error = JSON.stringify({ message: 'its reporter is no longer in the config' })
  await trx
    .updateTable('notices')
    .set({
      state: 'dropped',
      ended_at: sql<Date>`now()`,
      target: sql<string>`coalesce(target, reporter)`,
      error,
    })
    .where('state', 'in', ['new', 'waiting'])
    .where('reporter', '<>', sql<string>`all(${names})`)
    .execute()
}
