import type { LockAccess } from '../model/lock.ts'
import type { PropertyValue } from '../model/properties.ts'
import type { Secret } from '../model/secret.ts'

/** A worker of the config with its defaults filled in. */
export interface WorkerSpec {
  readonly kind: 'static' | 'local' | 'latent'
  readonly name: string
  /** Absent for workers that cannot log in over the network. */
  readonly password?: string
  readonly maxBuilds: number
  readonly properties: Readonly<Record<string, PropertyValue>>
  readonly defaultProperties: Readonly<Record<string, PropertyValue>>
  readonly env: Readonly<Record<string, string | Secret>>
  /** Held by every build that runs here. */
  readonly locks: readonly LockAccess[]
  /** Seconds between keepalive messages; null is off. */
  readonly keepaliveInterval: number | null
  /** Absent: it is never missing. */
  readonly missing?: MissingSpec
}

/** When people are told of a worker that is away. */
export interface MissingSpec {
  /** Milliseconds. */
  readonly timeout: number
  /** Also when it is back. */
  readonly recovery: boolean
  /** Also when its connection is lost again and again. */
  readonly flapping: boolean
  /** Of a latent worker: instances that are kept running without work. */
  readonly minIdle: number
}
