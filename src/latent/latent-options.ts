import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { GroupCommit } from '../db/group-commit.ts'
import type { Database } from '../db/schema.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { EventBody } from '../model/events.ts'
import type { Clock } from '../util/clock.ts'
import type { AgentDelivery } from './agent-delivery.ts'
import type { BackendContext } from './backend.ts'
import type { ImageSource } from './images/image-source.ts'
import type { InstanceObserver } from './instance-observer.ts'
import type { LatentSpec } from './latent-spec.ts'

export interface LatentOptions {
  readonly db: Kysely<Database>
  readonly commit: Pick<GroupCommit, 'write'>
  readonly fleet: Fleet
  readonly clock: Clock
  readonly log: Logger
  readonly publish: (event: EventBody) => void
  readonly observer?: InstanceObserver
  readonly images: ImageSource
  readonly master: { readonly id: string; readonly epoch: number }
  readonly cluster: string
  /** Why nothing is done to instances until `release`. */
  readonly held?: string | undefined
  readonly clusterKey: Buffer
  /** Seconds. */
  readonly maxDisconnected: number
  /** Seconds between two lists of a backend. */
  readonly sweepInterval: number
  /** Seconds before an instance that no row knows is ended. */
  readonly orphanGrace: number
  readonly context: Omit<BackendContext, 'cluster' | 'log'>
  readonly delivery: (spec: LatentSpec) => Promise<AgentDelivery>
  /** The config's builders with their workers in order of preference. */
  readonly builders: () => Iterable<{ readonly name: string; readonly workers: readonly string[] }>
}
