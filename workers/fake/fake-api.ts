import type { Instance, InstanceId, InstanceSpec } from '../../src/latent/backend.ts'
import type { FakeTemplate } from './fake-machine.ts'

/** The provider's side of the fake: a FakeCloud in this process, or one behind a URL. */
export interface FakeApi {
  /** Seconds. */
  readonly listLag: number
  start(spec: InstanceSpec<FakeTemplate>, cluster: string, signal: AbortSignal): Promise<Instance>
  seal(id: InstanceId, cluster: string, signal: AbortSignal): Promise<void>
  reset(spec: InstanceSpec<FakeTemplate>, cluster: string, signal: AbortSignal): Promise<void>
  stop(id: InstanceId, cluster: string, signal: AbortSignal): Promise<void>
  list(signal: AbortSignal): Promise<Instance[]>
}
