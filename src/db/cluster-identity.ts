import { createHash, randomUUID } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import { RouseError } from '../model/errors.ts'
import type { Database } from './schema.ts'

type Trx = Transaction<Database>

export interface Cluster {
  /** Stamps everything that the masters on this database create. */
  readonly id: string
  /** The database was copied or moved since the cluster was bound to it: what it says of instances may be another's. */
  readonly isCopied: boolean
}

/** The cluster of this database, bound to it at the first time. `name`: what the config calls it. */
export async function openCluster(trx: Trx, name?: string): Promise<Cluster> {
  await trx
    .insertInto('cluster')
    .values({ id: idOf(name) ?? randomUUID() })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const { id, bound } = await lockCluster(trx)
  const place = await readPlace(trx)
  if (!isSame(bound, place)) return { id, isCopied: true }
  const wanted = idOf(name) ?? id
  // What lives carries the old stamp: a new name waits until nothing does.
  const next = wanted === id || (await hasInstances(trx)) ? id : wanted
  // What could be read once is kept while it cannot.
  await bind(trx, next, { ...place, system: place.system ?? bound.system })
  return { id: next, isCopied: false }
}

/** This copy is the cluster from now on. */
export async function adoptCluster(trx: Trx): Promise<Cluster> {
  const { id } = await lockCluster(trx)
  await bind(trx, id, await readPlace(trx))
  return { id, isCopied: false }
}

/**
 * This copy becomes a cluster of its own: the instances it knows of are another's, and are forgotten. Throws
 * ROUSE_CLUSTER_NOT_COPIED, and ROUSE_CLUSTER_NAME when the config gives it the name of the other.
 */
export async function renewCluster(trx: Trx, name?: string): Promise<Cluster> {
  const { bound, id: before } = await lockCluster(trx)
  const place = await readPlace(trx)
  if (isSame(bound, place))
    throw new RouseError('ROUSE_CLUSTER_NOT_COPIED', 'this database is where its cluster has always been')
  const id = idOf(name) ?? randomUUID()
  if (id === before)
    throw new RouseError(
      'ROUSE_CLUSTER_NAME',
      `the config gives this copy the name of the other cluster: ${name}`,
    )
  await trx
    .updateTable('instances')
    .set({
      state: 'gone',
      deadline: null,
      changed_at: sql<Date>`now()`,
      stop_reason: 'it belongs to the cluster that this database was copied from',
    })
    .where('state', '<>', 'gone')
    .execute()
  await bind(trx, id, place)
  return { id, isCopied: false }
}

interface Place {
  /** Of the server's files; null where it may not be read. */
  readonly system: string | null
  readonly database: string | null
}

async function lockCluster(trx: Trx) {
  const row = await trx.selectFrom('cluster').selectAll().forUpdate().executeTakeFirstOrThrow()
  return { id: row.id, bound: { system: row.system_identifier, database: row.database_oid } }
}

async function readPlace(trx: Trx): Promise<Place> {
  const { rows } = await sql<{ database: string; allowed: boolean }>`
    select oid::text as database, has_function_privilege('pg_control_system()', 'execute') as allowed
    from pg_database where datname = current_database()`.execute(trx)
  const { allowed, database } = rows[0]!
  if (!allowed) return { system: null, database }
  const control = await sql<{ system: string }>`
    select system_identifier::text as system from pg_control_system()`.execute(trx)
  return { system: control.rows[0]!.system, database }
}

// What is not known on both sides proves nothing.
function isSame(bound: Place, place: Place): boolean {
  const same = (a: string | null, b: string | null) => a === null || b === null || a === b
  return same(bound.system, place.system) && same(bound.database, place.database)
}

async function bind(trx: Trx, id: string, { database, system }: Place): Promise<void> {
  await trx.updateTable('cluster').set({ id, database_oid: database, system_identifier: system }).execute()
}

async function hasInstances(trx: Trx): Promise<boolean> {
  const row = await trx
    .selectFrom('instances')
    .select('id')
    .where('state', '<>', 'gone')
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** The same id for the same name, for ever: a UUID made of its hash. */
function idOf(name: string | undefined): string | undefined {
  if (name === undefined) return undefined
  const hex = createHash('sha256').update(`rouse cluster\0${name}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
