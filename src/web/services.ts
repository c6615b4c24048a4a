import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { SettingsChanges } from '../config/compare-settings.ts'
import type { BuilderConfig } from '../config/types.ts'
import type { Database } from '../db/schema.ts'
import type { Admin } from '../fleet/admin.ts'
import type { LoginAnswer, LoginAttempt } from '../fleet/login.ts'
import type { EventSource } from '../model/events.ts'
import type { PropertyValue } from '../model/properties.ts'
import type { Authenticated } from '../fleet/fleet.ts'
import type { Worker } from '../fleet/worker.ts'
import type { MasterLink, MasterLinkEvents } from '../protocol/link.ts'

/** What the web server needs from the rest of the master. master.ts puts it together. */
export interface WebServices {
  readonly title: string
  /** The page's public address, if the config has one. */
  readonly url: string | undefined
  /** How agents reach the master, if the config says it. */
  readonly agentsUrl: string | undefined
  readonly db: Kysely<Database>
  readonly log: Logger
  readonly events: EventSource
  readonly builders: () => readonly BuilderConfig[]
  readonly workers: () => readonly ShownWorker[]
  /** True once migrations ran and builds may start; false again while shutting down. */
  readonly ready: () => boolean
  readonly queue: QueueService
  readonly builds: BuildService
  readonly fleet: FleetService
  readonly latent: LatentService
  readonly cluster: ClusterService
  readonly notices: NoticeService
  readonly images: ImageService
  /** Where the file of an artifact is, by its path in the database. */
  readonly artifactPath: (path: string) => string
  readonly master: MasterService
  /** In the text format of Prometheus. */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>
  /** The agent that agents' machines fetch. Throws ROUSE_AGENT_BUNDLE. */
  readonly agentBundle: () => Promise<{ readonly bytes: Buffer; readonly sha256: string }>
  /** A Node.js for machines without one. */
  readonly nodeRuntime: () => Promise<ServedNode | undefined>
}

export interface ServedNode {
  readonly file: string
  /** 'linux-x64'. */
  readonly machine: string
  readonly libc: string
  readonly sha256: string
  /** In bytes. */
  readonly size: number
}

export interface MasterService {
  /** Takes the config over as it is now. Throws ROUSE_CONFIG_INVALID and others; then the old one goes on. */
  reconfig(): Promise<SettingsChanges>
  /** Starts nothing more and ends the master when what runs has; returns the builds that run. */
  windDown(how: { cancel: boolean }): number[]
}

/** A worker's entry in the config, as far as anyone may see it. */
export interface ShownWorker {
  readonly kind: string
  readonly name: string
  readonly maxBuilds: number
  readonly properties: Readonly<Record<string, PropertyValue>>
  /** Of a latent worker: instances at once. */
  readonly max?: number
}

/** The engine of latent workers. */
export interface LatentService {
  /** Ends what carries our stamp and no row knows, or only says what that is. */
  reap(how: {
    dryRun: boolean
  }): Promise<{ items: Reaped[]; troubles: { backend: string; message: string }[] }>
  /** What keeps a latent worker from starting instances now: its budget, a provider that does not answer. */
  hindrances(worker: string): readonly string[]
  /** Providers that do not answer. */
  troubles(): readonly { readonly backend: string; readonly message: string; readonly since: Date }[]
}

export interface NoticeService {
  /** Has one tried again, unless it was sent. */
  retry(id: number): Promise<void>
}

/** Each throws ROUSE_IMAGE_UNKNOWN. */
export interface ImageService {
  /** Of the config's images that workers use. */
  names(): string[]
  /** Why what the config wants of it is not there. */
  trouble(name: string): string | undefined
  /** Gives the hash of what it is made of. Throws ROUSE_IMAGE_INPUTS. */
  build(name: string, how: { again: boolean }): Promise<string>
  /** null: the config's. */
  use(name: string, hash: string | null): Promise<void>
  /** 'removing': its provider has not removed it yet, and is asked again until it has. Throws ROUSE_IMAGE_IN_USE. */
  remove(name: string, hash: string): Promise<'removed' | 'removing'>
  /** null: the one in use. */
  test(name: string, hash: string | null): Promise<{ buildsetId: number; requestIds: number[] }>
}

export interface ClusterService {
  describe(): ClusterState
  /** A copied database is the cluster now. */
  adopt(): Promise<ClusterState>
  /** A copied database is another cluster. Throws ROUSE_CLUSTER_NOT_COPIED and ROUSE_CLUSTER_NAME. */
  renew(): Promise<ClusterState>
}

interface ClusterState {
  id: string
  held: string | null
}

export interface Reaped {
  id: string
  worker: string
  backend: string
  ref: string
  state: string
  detail: string | null
  ended: boolean
  error: string | null
}

export interface QueueService {
  force(input: ForceInput): Promise<{ buildsetId: number; requestIds: number[] }>
  /** Idempotent; resolves when the cancellation is committed. Throws ROUSE_REQUEST_UNKNOWN. */
  cancelRequest(id: number, by: { reason: string }): Promise<void>
  /** Why a pending request waits and its place in the queue; undefined when it is not pending. */
  waiting(id: number): { reason: string; position: number } | undefined
}

export interface ForceInput {
  readonly builder: string
  readonly repository?: string
  readonly branch?: string | null
  readonly revision?: string | null
  readonly properties?: Readonly<Record<string, PropertyValue>>
  readonly priority?: number
  readonly reason?: string
  readonly idempotencyKey?: string
}

export interface BuildService {
  /** Idempotent, also for a finished build. Throws ROUSE_BUILD_UNKNOWN. */
  cancelBuild(id: number, by: { reason: string }): Promise<void>
  /** Forces the same builder with the same source and properties. */
  rebuild(id: number, by: { reason: string }): Promise<{ buildsetId: number; requestIds: number[] }>
}

export interface FleetService {
  /** Live state of a worker by name; undefined when the config has no such worker. */
  status(name: string): WorkerStatus | undefined
  /** Pauses, drains or resumes a worker; resolves when it is committed. Throws ROUSE_WORKER_UNKNOWN. */
  setAdmin(name: string, admin: Admin): Promise<void>
  /** Checks whether an agent may connect. Logs refusals with name and address. Constant time for a wrong password. */
  authenticate(attempt: LoginAttempt): Promise<LoginAnswer>
  /** Takes over a connection that was authenticated as the worker's; the session begins with its hello. */
  accept(worker: Worker, link: MasterLink, from: Authenticated): MasterLinkEvents
}

export interface WorkerStatus {
  readonly connected: boolean
  readonly sentence: string
  readonly runningBuilds: readonly number[]
  readonly address: string | null
  readonly version: string | null
  readonly connectedAt: Date | null
}
