import type { Logger } from 'pino'
import type { Secret } from '../model/secret.ts'
import type { BackendImages } from './images/backend-images.ts'
import type { AgentDelivery } from './agent-delivery.ts'

/** Lower-case letters, digits and '-', 63 at most: fit for a container's, a domain's and a host's name. */
export type InstanceId = string

/** Made in master.config.ts. Holds options only; opens nothing. */
export interface BackendFactory<T> {
  /** 'docker', 'ec2', ... */
  readonly kind: string
  /** Where its instances live, in words: 'docker unix:///var/run/docker.sock'. Workers whose factories have the same share one backend. */
  readonly key: string
  open(context: BackendContext): WorkerBackend<T> | Promise<WorkerBackend<T>>
}

export interface BackendContext {
  /** Stamps everything that is created. */
  readonly cluster: string
  readonly log: Logger
  /** Where paths of the config begin. */
  readonly configDir: string
  /** The value of a secret, or of a text that the config holds itself. Throws ROUSE_SECRET_MISSING. */
  readSecret(secret: string | Secret): string
}

/**
 * One provider of instances. Calls for different ids may overlap; calls for one id never do. Every call gets a deadline
 * through its signal. Errors: throw a BackendError where it is known whose fault it is; anything else counts as passing.
 */
export interface WorkerBackend<T> {
  /** Seconds until `list` surely shows a new or ended instance. */
  readonly listLag: number
  /** Resolves when the provider has taken the request; does not wait for the boot. The same id gives the same machine. */
  start(spec: InstanceSpec<T>, o: CallOptions): Promise<Instance>
  /** Ends every bearer of the id and what was made for it; absent is success. */
  stop(id: InstanceId, o: CallOptions): Promise<void>
  /** All that carries a stamp of Rouse's, of any cluster: half-made, crashed and unknown ones, too. */
  list(o: CallOptions): Promise<readonly Instance[]>
  /** The machine is ready and has not logged in: takes the pristine snapshot. */
  seal?(id: InstanceId, o: CallOptions): Promise<void>
  /**
   * Back to that snapshot, with a new generation's token. Of a machine that was parked: it gets the token and has power again, its disk
   * as it was; one that a master which died has woken already is shut down first, and woken with this token.
   */
  reset?(spec: InstanceSpec<T>, o: CallOptions): Promise<void>
  /**
   * Shuts the machine down and keeps it with its disk: costing little, listed as 'stopped'. Resolves when the provider has taken the
   * request; may be called again for one that is stopped or about to be.
   */
  park?(id: InstanceId, o: CallOptions): Promise<void>
  /**
   * Removes what was made for instances that are neither listed nor in `known`: volumes, networks, addresses. It need not be the first sweep
   * that removes something: another master may have begun an instance since `known` was read.
   */
  sweep?(known: ReadonlySet<InstanceId>, o: CallOptions): Promise<void>
  /** Where it can keep a machine's disk as an image. */
  readonly images?: BackendImages
  close?(): Promise<void>
}

export interface CallOptions {
  readonly signal: AbortSignal
}

/** What is to be started. Rendering it again for the same id and generation gives the same, token included. */
export interface InstanceSpec<T> {
  readonly id: InstanceId
  /** The worker's entry in the config: 'dock'. */
  readonly worker: string
  /** The instance's place in the worker's pool, for people: 'dock/2'. */
  readonly name: string
  readonly template: T
  /** Grows with every reset. */
  readonly generation: number
  /** The password of its first login; its name is `id`. Never to be shown, never to be put into an environment. */
  readonly token: string
  readonly agent: AgentDelivery
  /** After this time nothing should be left of it; stamped where the provider allows. */
  readonly expiresAt: Date
}

/** What the provider says of one instance. */
export interface Instance {
  /** From its stamp. */
  readonly id: InstanceId
  readonly cluster: string
  readonly worker: string
  /** The provider's own id. */
  readonly ref: string
  /**
   * 'failed': it has ended by itself or was never able to run; it is still there and may cost money. 'stopped': it is shut down with
   * its disk, or about to be, and can be woken; only of backends that park. 'stopping': it is being ended.
   */
  readonly state: 'starting' | 'running' | 'failed' | 'stopped' | 'stopping'
  /** Why it failed, its last output, its address: for people. */
  readonly detail?: string
}
