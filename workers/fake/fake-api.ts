import type { Instance, InstanceId, InstanceSpec } from '../../src/latent/backend.ts'
import type { ImageStamp } from '../../src/latent/images/backend-images.ts'
import type { FakeTemplate } from './fake-machine.ts'

/** The provider's side of the fake: a FakeCloud in this process, or one behind a URL. */
export interface FakeApi {
  /** Seconds. */
  readonly listLag: number
  start(spec: InstanceSpec<FakeTemplate>, cluster: string, signal: AbortSignal): Promise<Instance>
  seal(id: InstanceId, cluster: string, signal: AbortSignal): Promise<void>
  reset(spec: InstanceSpec<FakeTemplate>, cluster: string, signal: AbortSignal): Promise<void>
  park(id: InstanceId, cluster: string, signal: AbortSignal): Promise<void>
  stop(id: InstanceId, cluster: string, signal: AbortSignal): Promise<void>
  list(signal: AbortSignal): Promise<Instance[]>
  identify(from: string, signal: AbortSignal): Promise<string>
  keep(id: InstanceId, image: ImageStamp, cluster: string, signal: AbortSignal): Promise<string>
  listImages(cluster: string, signal: AbortSignal): Promise<string[]>
  removeImage(ref: string, signal: AbortSignal): Promise<void>
}
