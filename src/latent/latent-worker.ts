import type { Duration } from '../model/durations.ts'
import type { PropertyReader } from '../model/properties.ts'
import type { ImageUse } from './images/image-use.ts'
import type { ResetWay } from './instance-event.ts'
import type { Secret } from '../model/secret.ts'
import type { BackendFactory } from './backend.ts'

/** What every latent worker takes beside the options of all workers and those of its backend. */
export interface LatentOptions extends NotifyOptions {
  /** How long an instance is kept after its last build. Default 10 min; 0: each build gets a fresh one; negative: it is kept. */
  readonly buildWaitTimeout?: Duration | number
  /** How long an instance may take until its agent is there. Default 10 min. */
  readonly startTimeout?: Duration
  /** How often a request's instance may fail to start before the request ends in EXCEPTION. Default 5. */
  readonly maxStartAttempts?: number
  readonly instances?: {
    /** How many at once. Default 1. */
    readonly max?: number
    /** How many are kept running without work. Default 0. */
    readonly minIdle?: number
    /** After so many builds an instance is replaced. Default: no limit. */
    readonly maxBuildsPerInstance?: number
    /** After this time an instance takes no more builds and is replaced. Default 24 h. */
    readonly maxAge?: Duration
  }
  /** What happens to instances when the master is stopped. Default 'keep' for busy and 'stop' for idle ones. */
  readonly onShutdown?: 'stop' | 'keep'
  /** How instances reach the master, in this order: 'ws://172.17.0.1:8011'. Default: the backend's own way, else `agents.url`. */
  readonly agentUrl?: string | readonly string[]
  /** How long an instance that is wanted may take until its agent is there. Default 1 h; 0 or null: for ever. */
  readonly missingTimeout?: Duration | null
  /** What an instance costs while it exists, in any currency. */
  readonly pricePerHour?: number
  /** No instance is started once this much was spent since midnight UTC. */
  readonly budgetPerDay?: number
}

/** Whom to tell of a worker that is not there. */
export interface NotifyOptions {
  /** A mail address or several. They are told once when the worker is missing, and again only after it was connected. */
  readonly notifyOnMissing?: string | readonly string[]
  /** Also when it is back. Default false. */
  readonly notifyOnRecovery?: boolean
  /** Also when its connection was lost more than five times within an hour. Default false. */
  readonly notifyOnFlapping?: boolean
}

/** A latent worker as its backend's function (`dockerWorker(...)`) describes it. */
export interface LatentDescription<T> {
  readonly backend: BackendFactory<T>
  /** Plain JSON, or a function of the build's properties that gives it. Two that are equal can share an instance. */
  readonly template: T | ((properties: PropertyReader) => T | Promise<T>)
  /** The image() that its instances are made of; `template` then names none. Its backend has `images`. */
  readonly image?: ImageUse<T> | undefined
  /** How an instance is made pristine after every build; its backend has `reset`, and for 'snapshot' also `seal`. Default: not at all. */
  readonly reset?: ResetWay | undefined
  /** An instance that was idle for `buildWaitTimeout` is parked, not ended: `idle: 'stop'`. Its backend has `park` and `reset`. Default false. */
  readonly park?: boolean | undefined
  /** What is wrong with the backend's own options, for `rouse check`: 'image: missing'. */
  readonly mistakes?: readonly string[]
  /** Secrets that the backend will ask for, so that `rouse check` and the start tell which are missing. */
  readonly secrets?: readonly Secret[]
}
