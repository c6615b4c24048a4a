import type { WorkerSpec } from '../fleet/worker-spec.ts'
import type { BackendFactory } from './backend.ts'
import type { ImageUse } from './images/image-use.ts'
import type { ResetWay } from './instance-event.ts'

/** A latent worker of the config with its defaults filled in. */
export interface LatentSpec {
  readonly name: string
  readonly worker: WorkerSpec
  readonly backend: BackendFactory<unknown>
  /** Plain JSON, or a function of the build's properties. */
  readonly template: unknown
  /** What its instances are made of, when it is an image() of the config. */
  readonly image?: ImageUse<unknown> | undefined
  readonly reset: ResetWay | null
  /** An idle instance is parked, not ended. */
  readonly park: boolean
  /** Seconds; negative: never stopped for idleness. */
  readonly buildWaitTimeout: number
  readonly startTimeout: number
  readonly maxStartAttempts: number
  readonly max: number
  readonly minIdle: number
  readonly maxBuildsPerInstance: number
  /** Seconds. */
  readonly maxAge: number
  /** undefined: busy instances are kept, idle ones stopped. */
  readonly onShutdown: 'stop' | 'keep' | undefined
  /** Empty: what the master offers to all. */
  readonly agentUrls: readonly string[]
  readonly pricePerHour: number | null
  readonly budgetPerDay: number | null
}
