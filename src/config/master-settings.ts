import type { LockAccess } from '../model/lock.ts'
import type { PropertyValue } from '../model/properties.ts'
import type { SecretValue } from './secret-value.ts'
import type { BuilderConfig, ListenAddress, SchedulerConfig } from './types.ts'

/** A checked config with its defaults filled in: absolute paths, durations in seconds, secrets found. */
export interface MasterSettings {
  readonly title: string
  /** The page's public address with a trailing slash; undefined when the config names none. */
  readonly url: string | undefined
  readonly listen: ListenAddress
  readonly agents: {
    /** Empty: agents use `listen`. */
    readonly listen: readonly ListenAddress[]
    readonly url: string | undefined
  }
  readonly database: { readonly kind: 'embedded' } | { readonly kind: 'url'; readonly url: SecretValue }
  readonly dataDir: string
  /** undefined: page and API are open to the local user, and `listen` is a loopback address. */
  readonly auth: 'none' | undefined
  readonly workers: readonly ResolvedWorker[]
  readonly builders: readonly BuilderConfig[]
  readonly schedulers: readonly SchedulerConfig[]
  readonly heartbeatSeconds: number
  readonly maxDisconnectedSeconds: number
  readonly maxInfraRetries: number
  /** Bytes. */
  readonly maxArtifactSize: number
  /** Bytes. */
  readonly maxLogSize: number
  /** Absolute path of the config's own file, the first of `files`. */
  readonly configFile: string
  readonly files: readonly string[]
  /** Every value that must not show up in a log. */
  readonly secrets: readonly SecretValue[]
}

export type ResolvedWorker = ResolvedStaticWorker | ResolvedLocalWorker

export interface ResolvedCommonWorker {
  readonly name: string
  readonly maxBuilds: number
  readonly properties: Readonly<Record<string, PropertyValue>>
  readonly defaultProperties: Readonly<Record<string, PropertyValue>>
  readonly env: Readonly<Record<string, string>>
  readonly locks: readonly LockAccess[]
}

export interface ResolvedStaticWorker extends ResolvedCommonWorker {
  readonly kind: 'static'
  readonly password: SecretValue
  /** null: off. */
  readonly keepaliveSeconds: number | null
  readonly notifyOnMissing: readonly string[]
  /** null: never missing. */
  readonly missingTimeoutSeconds: number | null
}

export interface ResolvedLocalWorker extends ResolvedCommonWorker {
  readonly kind: 'local'
  readonly baseDir: string
}
