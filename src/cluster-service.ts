import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import { adoptCluster, renewCluster } from './db/cluster-identity.ts'
import type { Database } from './db/schema.ts'
import type { Latent } from './latent/latent.ts'
import type { WebServices } from './web/services.ts'

interface ClusterOptions {
  readonly db: Kysely<Database>
  readonly log: Logger
  readonly latent: Latent
  readonly id: string
  /** `cluster` of the config. */
  readonly name: string | undefined
}

/** Lets people say whose a copied database is. */
export function clusterService({ db, id, latent, log, name }: ClusterOptions): WebServices['cluster'] {
  let current = id
  const described = () => ({ id: current, held: latent.held ?? null })
  return {
    describe: described,
    adopt: async () => {
      await db.transaction().execute(adoptCluster)
      log.warn({ cluster: id }, 'this database was adopted: its instances are looked after from here')
      // After a renewal everything else has the old id until the next start.
      if (current === id) latent.release()
      return described()
    },
    renew: async () => {
      current = (await db.transaction().execute((trx) => renewCluster(trx, name))).id
      log.warn({ cluster: current, before: id }, 'this database is another cluster from now on')
      latent.hold('is held until the master is started again: the cluster has a new id')
      return described()
    },
  }
}

/** Said of every latent worker of a database that was copied. */
export const heldCopy =
  'is held: its database was copied or moved; `rouse cluster adopt` or `rouse cluster renew` says whose the instances are'
