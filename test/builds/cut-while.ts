import { sql } from 'kysely'
import type { TestDatabase } from '../helpers/database.ts'
import { waitFor } from '../helpers/wait-for.ts'

/**
 * Ends the connection on which `act` writes to a table, before it has written; `times`: also those of so many further tries.
 * Resolves with how the act ended.
 */
export async function cutWhile<T>(
  database: TestDatabase,
  { table, times = 1 }: { table: string; times?: number },
  act: () => Promise<T>,
): Promise<PromiseSettledResult<T>> {
  const lock = await database.pool.connect()
  await lock.query('begin')
  await lock.query(`lock table ${table} in access exclusive mode`)
  const outcome = Promise.allSettled([act()])
  for (let cut = 0; cut < times; cut++) {
    await waitFor('the write to wait, and its end', async () => {
      const { rows } = await sql`
        select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(database.db)
      return rows.length > 0
    })
  }
  await lock.query('rollback')
  lock.release()
  return (await outcome)[0]
}
