import { timingSafeEqual } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { InstanceState } from '../model/instance-state.ts'
import type { InstanceLogin, InstanceLogins } from '../fleet/instance-logins.ts'
import type { LatentTools } from './latent-tools.ts'
import { claimInstance, findInstance, type StoredInstance } from './ledger.ts'
import type { ResetWay } from './instance-event.ts'
import { LiveInstance } from './live-instance.ts'
import { idPrefix } from './instance-id.ts'
import { instanceToken } from './token.ts'

interface LoginsOptions {
  readonly db: Kysely<Database>
  readonly cluster: string
  readonly clusterKey: Buffer
  readonly tools: LatentTools
  readonly instance: (id: string) => LiveInstance | undefined
  /** How the instances of this worker of the config are made pristine. */
  readonly resetOf: (worker: string) => ResetWay | null
  readonly adopt: (stored: StoredInstance) => void
}

/** What logs an instance's agent in. An instance goes where its agent goes, also from a master that is gone or has lost it. */
export class Logins implements InstanceLogins {
  readonly #o: LoginsOptions

  constructor(options: LoginsOptions) {
    this.#o = options
  }

  async find(id: string): Promise<InstanceLogin | undefined> {
    const { cluster, clusterKey, db, instance, resetOf } = this.#o
    const ours = instance(id)
    if (!ours && !id.startsWith(idPrefix(cluster))) return undefined
    const known = ours ?? (await findInstance(db, id))
    if (!known) return undefined
    const { credentialHash, row } = known
    const { generation } = row
    return {
      worker: async () => (ours ?? (await this.#claim(id)))?.worker,
      generation,
      token: instanceToken(clusterKey, id, generation),
      credentialHash,
      isOutdated: (attempt) =>
        ours?.isOutdated(attempt.credentialHash) === true ||
        this.#isOldToken(id, generation, attempt.password),
      outdated: () => ours?.handle({ type: 'stale' }),
      refusal: refusalOf(
        row.state,
        known instanceof LiveInstance ? known.reset : resetOf(known.facts.worker),
      ),
    }
  }

  #isOldToken(id: string, generation: number, password: string): boolean {
    for (let old = generation - 1; old > 0 && old >= generation - longestMemory; old--)
      if (sameText(instanceToken(this.#o.clusterKey, id, old), password)) return true
    return false
  }

  async #claim(id: string): Promise<LiveInstance | undefined> {
    const { adopt, instance, tools } = this.#o
    const stored = await tools.store((trx) => claimInstance(trx, id, tools.master))
    if (stored && !instance(id)) adopt(stored)
    return instance(id)
  }
}

function refusalOf(state: InstanceState, reset: ResetWay | null): string | undefined {
  if (state === 'stopping' || state === 'gone') return 'this instance is being stopped'
  if (state === 'parking' || state === 'parked')
    return 'this instance is parked: its machine is being shut down'
  const isUnsealed =
    state === 'sealing' || (reset === 'snapshot' && ['requested', 'starting'].includes(state))
  return isUnsealed ? 'the snapshot of this instance is not taken yet' : undefined
}

function sameText(token: string, text: string): boolean {
  const [a, b] = [Buffer.from(token), Buffer.from(text)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Generations that are looked back at. */
const longestMemory = 100
