import type { LatentSpec } from '../latent/latent-spec.ts'
import type { LockAccess } from '../model/lock.ts'
import type { PropertyValue } from '../model/properties.ts'
import type { Secret } from '../model/secret.ts'
import type { ReporterDescription } from '../reporters/reporter-description.ts'
import type { SecretValue } from './secret-value.ts'
import type { BuilderConfig, ListenAddress, SchedulerConfig, SocketAddress } from './types.ts'

/** A checked config with its defaults filled in: absolute paths, durations in seconds, secrets found. */
export interface MasterSettings {
  readonly title: string
  /** The page's public address with a trailing slash; undefined when the config names none. */
  readonly url: string | undefined
  readonly listen: ListenAddress
  readonly agents: {
    /** Without an address of a network agents use `listen` as well. Paths of sockets are absolute. */
    readonly listen: readonly (ListenAddress | SocketAddress)[]
    readonly url: string | undefined
  }
  readonly database: { readonly kind: 'embedded' } | { readonly kind: 'url'; readonly url: SecretValue }
  readonly dataDir: string
  /** undefined: the data folder has it. */
  readonly clusterKey: SecretValue | undefined
  /** undefined: the database has an id of chance. */
  readonly cluster: string | undefined
  /** undefined: page and API are open to the local user, and `listen` is a loopback address. */
  readonly auth: 'none' | undefined
  readonly workers: readonly ResolvedWorker[]
  readonly builders: readonly BuilderConfig[]
  readonly schedulers: readonly SchedulerConfig[]
  readonly reporters: readonly ReporterDescription[]
  readonly heartbeatSeconds: number
  readonly maxDisconnectedSeconds: number
  readonly maxInfraRetries: number
  readonly sweepSeconds: number
  readonly orphanGraceSeconds: number
  /** Bytes. */
  readonly maxArtifactSize: number
  /** Bytes. */
  readonly maxLogSize: number
  /** Absolute path of the config's own file, the first of `files`. */
  readonly configFile: string
  readonly files: readonly string[]
  /** Every value that must not show up in a log. */
  readonly secrets: readonly SecretValue[]
  /**
   * The value of a secret as it was when the config was read; of one that only a function of the config names, as it was when it
   * was first asked for. Throws ROUSE_SECRET_MISSING.
   */
  readonly secretValue: (name: string) => string
}

export type ResolvedWorker = ResolvedStaticWorker | ResolvedLocalWorker | ResolvedLatentWorker

export interface ResolvedCommonWorker {
  readonly name: string
  readonly maxBuilds: number
  readonly properties: Readonly<Record<string, PropertyValue>>
  readonly defaultProperties: Readonly<Record<string, PropertyValue>>
  readonly env: Readonly<Record<string, string | Secret>>
  readonly locks: readonly LockAccess[]
}

export interface ResolvedMissing {
  readonly notifyOnMissing: readonly string[]
  /** null: never missing. */
  readonly missingTimeoutSeconds: number | null
  readonly notifyOnRecovery: boolean
  readonly notifyOnFlapping: boolean
}

export interface ResolvedStaticWorker extends ResolvedCommonWorker, ResolvedMissing {
  readonly kind: 'static'
  readonly password: SecretValue
  /** null: off. */
  readonly keepaliveSeconds: number | null
}

export interface ResolvedLatentWorker
  extends ResolvedCommonWorker, ResolvedMissing, Omit<LatentSpec, 'worker'> {
  readonly kind: 'latent'
  readonly mistakes: readonly string[]
}

export interface ResolvedLocalWorker extends ResolvedCommonWorker {
  readonly kind: 'local'
  readonly baseDir: string
}
