import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { InstanceLogin, InstanceLogins } from '../fleet/instance-logins.ts'
import type { LatentTools } from './latent-tools.ts'
import { claimInstance, findInstance, type StoredInstance } from './ledger.ts'
import type { LiveInstance } from './live-instance.ts'
import { idPrefix } from './pool.ts'
import { instanceToken } from './token.ts'

interface LoginsOptions {
  readonly db: Kysely<Database>
  readonly cluster: string
  readonly clusterKey: Buffer
  readonly tools: LatentTools
  readonly instance: (id: string) => LiveInstance | undefined
  readonly adopt: (stored: StoredInstance) => void
}

/** What logs an instance's agent in. An instance goes where its agent goes, also from a master that is gone or has lost it. */
export class Logins implements InstanceLogins {
  readonly #o: LoginsOptions

  constructor(options: LoginsOptions) {
    this.#o = options
  }

  async find(id: string): Promise<InstanceLogin | undefined> {
    const { cluster, clusterKey, db, instance } = this.#o
    const ours = instance(id)
    if (!ours && !id.startsWith(idPrefix(cluster))) return undefined
    const known = ours ?? (await findInstance(db, id))
    if (!known) return undefined
    const { credentialHash, row } = known
    const token = instanceToken(clusterKey, id, row.generation)
    const ends = row.state === 'stopping' || row.state === 'gone'
    const refusal = ends ? 'this instance is being stopped' : undefined
    return { worker: async () => (ours ?? (await this.#claim(id)))?.worker, token, credentialHash, refusal }
  }

  async #claim(id: string): Promise<LiveInstance | undefined> {
    const { adopt, instance, tools } = this.#o
    const stored = await tools.store((trx) => claimInstance(trx, id, tools.master))
    if (stored && !instance(id)) adopt(stored)
    return instance(id)
  }
}
