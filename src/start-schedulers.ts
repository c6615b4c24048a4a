import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Builds } from './builds/builds.ts'
import type { MasterSettings } from './config/resolve-config.ts'
import type { Database } from './db/schema.ts'
import { forgetSchedulers } from './schedulers/forget-schedulers.ts'
import { runOnce } from './schedulers/run-once.ts'

export async function startSchedulers(
  db: Kysely<Database>,
  builds: Builds,
  schedulers: MasterSettings['schedulers'],
  log: Logger,
): Promise<void> {
  await forgetSchedulers(
    db,
    schedulers.map(({ name }) => name),
  )
  for (const scheduler of schedulers) await runOnce(db, builds, scheduler, log)
}
