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
}
