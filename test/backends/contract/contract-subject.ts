import type { AgentDelivery } from '../../../src/latent/agent-delivery.ts'
import type { ResetWay } from '../../../src/latent/instance-event.ts'
import type { InstanceSpec, WorkerBackend } from '../../../src/latent/backend.ts'

/** A provider that a backend's test has set up, and what the contract cannot know of it. What cannot be provoked is left out. */
export interface ContractSubject<T> {
  /** A backend of this cluster at the provider, as a master opens it; a second one of a cluster is a restarted master. */
  open(cluster: string): Promise<WorkerBackend<T>>
  readonly agent: AgentDelivery
  /** Instances of it run until they are stopped; none ever reaches a master. */
  readonly template: T
  /** Instances of it end by themselves at once, having printed or said `output`. */
  readonly crashing?: { readonly template: T; readonly output: string }
  /** `start` refuses it for ever, with `reason` in the message. */
  readonly rejected?: readonly { readonly template: T; readonly reason: RegExp }[]
  /** Uses the provider up, so that `start` has no room for the template until it is freed. */
  useUp?(): Promise<{ readonly template: T; free(): Promise<void> }>
  /** Leaves behind what a master that died in the middle of `start` can leave: the provider knows the id, and nothing runs. */
  halfMade?(spec: InstanceSpec<T>, cluster: string): Promise<void>
  /** Leaves what was made for an instance and has outlived it; resolves to whether it is still there. */
  leftover?(id: string, cluster: string): Promise<() => Promise<boolean>>
  /** Whose provider refuses every connection. */
  unreachable?(cluster: string): Promise<WorkerBackend<T>>
  /** Whose provider takes connections and never answers. */
  silent?(cluster: string): Promise<WorkerBackend<T>>
  /** Its machines can be made pristine after a build. */
  readonly pristine?: {
    readonly way: ResetWay
    /** Leaves something on the machine of an id, as a build does. */
    soil(id: string): Promise<void>
    isSoiled(id: string): Promise<boolean>
    /** What the machine would log in with now. */
    token(id: string): Promise<string | undefined>
  }
  /** Its machines can be shut down with their disks, and woken. */
  readonly parking?: {
    readonly template: T
    /** What the machine would log in with now. */
    token?(id: string): Promise<string | undefined>
    /** Leaves something on the machine's disk. */
    write?(id: string): Promise<void>
    isWritten?(id: string): Promise<boolean>
  }
  /** It can keep the disks of its machines as images. */
  readonly images?: {
    /** An image to begin with. */
    readonly from: string
    /** Machines that provision, made of it. */
    readonly machine: T
    /** What the end of its agent does to such a machine; left out where the provider's own way to stop one works here. */
    powerOff?(id: string): Promise<void>
    /** Instances made of an image that was kept. */
    using(ref: string): T
  }
  /** How many bearers of an id the provider has, by its own account. */
  bearers?(id: string): Promise<number>
  close(): Promise<void>
}
