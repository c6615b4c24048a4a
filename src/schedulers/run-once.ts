import { sql, type Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Builds } from '../builds/builds.ts'
import type { OnceConfig } from '../config/types.ts'
import type { Database } from '../db/schema.ts'

/**
 * Submits what a `once` scheduler asks for unless this database has seen it. The idempotency key decides, so a death
 * between submitting and marking does not submit twice.
 */
export async function runOnce(
  db: Kysely<Database>,
  builds: Builds,
  scheduler: OnceConfig,
  log: Logger,
): Promise<void> {
  const { kind, name } = scheduler
  const row = await db
    .insertInto('schedulers')
    .values({ name, kind })
    .onConflict((oc) => oc.column('name').doUpdateSet({ kind, configured: true }))
    .returning('last_fired_at')
    .executeTakeFirstOrThrow()
  if (row.last_fired_at) return
  const { requests } = await builds.submit({
    builders: scheduler.builders,
    source: { repository: '', branch: null, revision: null },
    properties: [{ name: 'scheduler', value: name, source: 'scheduler' }],
    priority: 0,
    reason: scheduler.reason ?? `scheduler ${name}: the first time`,
    origin: 'scheduler',
    scheduler: name,
    idempotencyKey: `once:${name}`,
  })
  await db
    .updateTable('schedulers')
    .set({ last_fired_at: sql<Date>`now()` })
    .where('name', '=', name)
    .execute()
  log.info({ scheduler: name, requests: requests.map((r) => r.id) }, 'the first request is queued')
}
