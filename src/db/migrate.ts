import { sql, type Kysely, type Transaction } from 'kysely'
import type { Logger } from 'pino'
import * as first from '../../migrations/0001_first.ts'
import * as effects from '../../migrations/0002_effects.ts'
import * as commandLogs from '../../migrations/0003_command_logs.ts'
import * as latent from '../../migrations/0005_latent.ts'
import * as clusterIdentity from '../../migrations/0006_cluster_identity.ts'
import * as notices from '../../migrations/0007_notices.ts'
import * as images from '../../migrations/0008_images.ts'
import * as parked from '../../migrations/0009_parked.ts'
import { RouseError } from '../model/errors.ts'
import { describeFailure } from './connection-failure.ts'
import { openDatabase } from './connection.ts'
import type { DatabaseAddress } from './database-address.ts'
import type { Database } from './schema.ts'

export interface MigrateOptions {
  readonly address: DatabaseAddress
  readonly log: Logger
  readonly signal?: AbortSignal
}

/**
 * Brings the schema up to what this version knows: all steps in one transaction, masters that start together one after
 * the other. Throws ROUSE_DATABASE_NEWER when a newer Rouse was here, ROUSE_DATABASE_FAILED when a step fails.
 */
export async function migrateDatabase(options: MigrateOptions): Promise<void> {
  // Its own connection: a migration may take longer than the statement timeout of the others.
  const database = await openDatabase({ ...options, poolSize: 1, statementTimeout: 0 })
  try {
    const applied = await database.db.transaction().execute(migrate)
    if (applied.length > 0) options.log.info({ migrations: applied }, 'the database was migrated')
  } catch (error) {
    if (error instanceof RouseError) throw error
    const message = `the database could not be migrated: ${describeFailure(error)}`
    throw new RouseError('ROUSE_DATABASE_FAILED', message, { cause: error })
  } finally {
    await database.close()
  }
}

async function migrate(trx: Transaction<Database>): Promise<string[]> {
  await sql`set local lock_timeout = '5min'`.execute(trx)
  await sql`select pg_advisory_xact_lock(${lockKey})`.execute(trx)
  await sql`
    create table if not exists migrations (
      name text primary key,
      applied_at timestamptz not null default now()
    )`.execute(trx)
  const { rows } = await sql<{ name: string }>`select name from migrations`.execute(trx)
  const done = new Set(rows.map((row) => row.name))
  refuseNewer([...done])

  const missing = Object.entries(migrations).filter(([name]) => !done.has(name))
  for (const [name, { up }] of missing) {
    // A migration sees the tables of its own time, not today's.
    await up(trx as unknown as Kysely<unknown>)
    await sql`insert into migrations (name) values (${name})`.execute(trx)
  }
  return missing.map(([name]) => name)
}

function refuseNewer(done: readonly string[]): void {
  const unknown = done.filter((name) => !Object.hasOwn(migrations, name)).sort()
  if (unknown.length === 0) return
  const message = `the database has migrations that this version does not know: ${unknown.join(', ')}`
  throw new RouseError('ROUSE_DATABASE_NEWER', message)
}

/** In the order in which they run. Imported statically, so that a packed Rouse has them too. */
const migrations: Readonly<Record<string, { up(db: Kysely<unknown>): Promise<void> }>> = {
  '0001_first': first,
  '0002_effects': effects,
  '0003_command_logs': commandLogs,
  '0005_latent': latent,
  '0006_cluster_identity': clusterIdentity,
  '0007_notices': notices,
  '0008_images': images,
  '0009_parked': parked,
}

const lockKey = 7_271_001
