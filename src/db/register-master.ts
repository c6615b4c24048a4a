import { randomUUID } from 'node:crypto'
import { sql, type Kysely } from 'kysely'
import { openCluster } from './cluster-identity.ts'
import type { Database } from './schema.ts'

export interface MasterIdentity {
  readonly id: string
  /** Higher than that of every master before. Writes to owned rows say `where epoch = n`. */
  readonly epoch: number
  /** The id of all masters on this database together; stamps everything they create. */
  readonly cluster: string
  /** The database was copied or moved: nothing is done to the instances that it knows of. */
  readonly isCopied: boolean
}

export interface RegisterMasterOptions {
  readonly host: string
  readonly pid: number
  readonly version: string
  /** True when no other master can be alive on this database: those that are not marked as stopped have died. */
  readonly only: boolean
  /** `cluster` of the config. */
  readonly clusterName?: string | undefined
}

/** Makes this process a master of the cluster, with a lease that `keepLease` renews. */
export async function registerMaster(
  db: Kysely<Database>,
  { clusterName, host, pid, version, only }: RegisterMasterOptions,
): Promise<MasterIdentity> {
  return await db.transaction().execute(async (trx) => {
    const cluster = await openCluster(trx, clusterName)
    if (only) {
      await trx
        .updateTable('masters')
        .set({ stopped_at: sql<Date>`now()` })
        .where('stopped_at', 'is', null)
        .execute()
    }
    const master = await trx
      .insertInto('masters')
      .values({ id: randomUUID(), host, pid, version, lease_until: leaseEnd })
      .returning(['id', 'epoch'])
      .executeTakeFirstOrThrow()
    return { ...master, cluster: cluster.id, isCopied: cluster.isCopied }
  })
}

/** The last write of a master that ends in good order. Idempotent. */
export async function markMasterStopped(db: Kysely<Database>, id: string): Promise<void> {
  await db
    .updateTable('masters')
    .set({ stopped_at: sql<Date>`now()`, lease_until: sql<Date>`now()` })
    .where('id', '=', id)
    .where('stopped_at', 'is', null)
    .execute()
}

/** Seconds for which a master may act without word from the database. */
export const leaseSeconds = 30

/** By the database's clock, the only one that all masters share. */
export const leaseEnd = sql<Date>`now() + make_interval(secs => ${leaseSeconds})`
