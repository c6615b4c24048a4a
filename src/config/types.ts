import type { LatentDescription, LatentOptions, NotifyOptions } from '../latent/latent-worker.ts'
import type { Duration } from '../model/durations.ts'
import type { LockAccess } from '../model/lock.ts'
import type { PropertyReader, PropertyValue, Renderable } from '../model/properties.ts'
import type { SourceStamp } from '../model/source-stamp.ts'
import type { ReporterDescription } from '../reporters/reporter-description.ts'
import type { Step } from '../steps/step.ts'
import type { Secret } from '../model/secret.ts'

/** What `defineMaster` takes and `master.config.ts` exports. */
export interface MasterConfig {
  /** Shown on the page and in mails. Default 'Rouse'. */
  readonly title?: string
  /** Where people reach the page, for links and the Origin check. Default `http://<host>:<port>/`. */
  readonly url?: string
  /** Page and API; agents too, unless `agents.listen` has another address. Default 127.0.0.1:8010. */
  readonly listen?: ListenAddress
  readonly agents?: AgentsConfig
  /** 'embedded' (default) runs a PostgreSQL of its own in the data folder; else a postgres:// URL. */
  readonly database?: 'embedded' | (string & {}) | Secret
  /** Default 'rouse-data' beside the config file. */
  readonly dataDir?: string
  /**
   * What the first passwords of latent workers' instances are made with: 32 characters or more. Default: a key that the first
   * start writes to `<dataDir>/cluster.key`. Masters that share a database need the same.
   */
  readonly clusterKey?: string | Secret
  /**
   * A name of your own for all masters on this database. Default: an id of chance that the database keeps. With a name, the
   * instances are known as ours again when the database was lost.
   */
  readonly cluster?: string
  /** Who may use page and API. Needed as soon as `listen` is not a loopback address; 'none' opens it to everyone. */
  readonly auth?: 'none'
  readonly workers: readonly WorkerConfig[]
  readonly builders: readonly BuilderConfig[]
  readonly schedulers?: readonly SchedulerConfig[]
  /** Who is told what. Without any, mails about missing workers go out by the relay of this machine. */
  readonly reporters?: readonly ReporterDescription[]
  /** Where `secret()` looks after environment and <NAME>_FILE. Default 'secrets' beside the config file. */
  readonly secretsDir?: string
  /** Seconds between heartbeats with agents. Default 30. A peer silent for three of them is dropped. */
  readonly heartbeatInterval?: Duration
  /** How long a build waits for its disconnected agent before it is retried. Default 1 h. */
  readonly maxDisconnected?: Duration
  /** How often a build is tried again after a failure of the infrastructure. Default 3. */
  readonly maxInfraRetries?: number
  /** How often a backend of latent workers is asked for its instances. Default 10 s; six times as long while there are none. */
  readonly sweepInterval?: Duration
  /** How long an instance is left alone that carries our stamp and that no row knows. Default 1 min. */
  readonly orphanGrace?: Duration
  /** Bytes that one artifact may have. Default 1 GiB. */
  readonly maxArtifactSize?: number
  /** Bytes that a command's log may have where its step says nothing; at least 1024. Default 200 MiB. */
  readonly maxLogSize?: number
}

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** A Unix socket. */
export interface SocketAddress {
  /** Absolute, or below `<dataDir>/sockets`: 'agents.sock'. Containers get its folder, so nothing else should be in there. */
  readonly path: string
}

export interface AgentsConfig {
  /** Listeners that serve agents only; page and API are not there. An address that does not exist yet is retried. */
  readonly listen?: readonly (ListenAddress | SocketAddress)[]
  /** How agents reach the master: 'ws://172.17.0.1:8011', or 'unix:' and the absolute path of a socket. */
  readonly url?: string
}

export type WorkerConfig = StaticWorkerConfig | LocalWorkerConfig | LatentWorkerConfig

/** What every worker takes. */
export interface CommonWorkerOptions {
  /** How many builds may run at once. Default 1 (Buildbot's is unlimited). */
  readonly maxBuilds?: number
  /** Set on every build that runs here. */
  readonly properties?: Readonly<Record<string, PropertyValue>>
  /** Set on every build that runs here unless something else has set it. */
  readonly defaultProperties?: Readonly<Record<string, PropertyValue>>
  /** Added to the environment of every command. */
  readonly env?: Readonly<Record<string, string | Secret>>
  /** Held by every build that runs here, from before its start to its end. */
  readonly locks?: readonly LockAccess[]
}

export interface StaticWorkerOptions extends CommonWorkerOptions, NotifyOptions {
  readonly password: string | Secret
  /** Seconds between the master's own keepalive messages; null turns them off. Default 3600. */
  readonly keepaliveInterval?: Duration | null
  /** Seconds without connection after which the worker is missing. Default 3600; 0 or null: never. */
  readonly missingTimeout?: Duration | null
}

export interface StaticWorkerConfig extends StaticWorkerOptions {
  readonly kind: 'static'
  readonly name: string
}

export interface LocalWorkerOptions extends CommonWorkerOptions {
  /** Where its builds run. Default `<dataDir>/workers/<name>`. */
  readonly baseDir?: string
}

export interface LocalWorkerConfig extends LocalWorkerOptions {
  readonly kind: 'local'
  readonly name: string
}

/** What a backend's function gives: dockerWorker('dock', { image: 'node:24' }). */
export interface LatentWorkerConfig extends CommonWorkerOptions, LatentOptions, LatentDescription<unknown> {
  readonly kind: 'latent'
  readonly name: string
}

export interface BuilderConfig extends BuilderHooks {
  readonly name: string
  readonly description?: string
  /** Names of workers, in order of preference. */
  readonly workers: readonly string[]
  readonly steps: readonly Step[]
  readonly properties?: Readonly<Record<string, PropertyValue>>
  readonly env?: Readonly<Record<string, Renderable<string | Secret>>>
  /** Held by each of its builds, from before its start to its end. */
  readonly locks?: readonly LockAccess[]
  /**
   * What a scheduler's new request does to older ones of schedulers that still wait: `true` (default) ends those for the
   * same repository and branch with the same properties, `'all'` every one, `false` none; a function is asked for each
   * of the newest 100. They end SKIPPED. What people force or a build waits for is never collapsed.
   */
  readonly collapseRequests?: CollapseRequests
}

export type CollapseRequests = boolean | 'all' | ((older: WaitingRequest, newer: WaitingRequest) => boolean)

/**
 * Functions that choose for a builder, sync or async. They are shown the first 100, and have 10 s for their answers. One that
 * fails hurts only its builder: nextBuild and nextWorker give way to the usual order, canStartBuild lets the request wait.
 */
export interface BuilderHooks {
  /** Which request is built next: one of those given, or its id; null: none now. */
  readonly nextBuild?: (requests: readonly WaitingRequest[]) => Answer<WaitingRequest | number>
  /** On which free worker: one of those given, or its name; null: none now. */
  readonly nextWorker?: (
    workers: readonly FreeWorker[],
    request: WaitingRequest,
  ) => Answer<FreeWorker | string>
  /** Whether the request may start on the worker now; false: the next worker is asked about. */
  readonly canStartBuild?: (request: WaitingRequest, worker: FreeWorker) => boolean | Promise<boolean>
}

type Answer<T> = T | null | undefined | Promise<T | null | undefined>

/** A worker that could take one more build, as functions in the config see it. */
export interface FreeWorker {
  readonly name: string
  readonly kind: string
  readonly maxBuilds: number
  readonly runningBuilds: number
  /** Of its entry in the config. */
  readonly properties: Readonly<Record<string, PropertyValue>>
}

/** A request that waits, as functions in the config see it. */
export interface WaitingRequest {
  readonly id: number
  readonly builder: string
  readonly priority: number
  readonly reason: string
  readonly submittedAt: Date
  readonly source: SourceStamp
  /** What its scheduler, the change or the person who forced it has set. */
  readonly properties: PropertyReader
}

export type SchedulerConfig = OnceConfig

/** Requests its builders a single time in the life of the database. */
export interface OnceConfig {
  readonly kind: 'once'
  readonly name: string
  readonly builders: readonly string[]
  readonly reason?: string
}
