import type {
  CallOptions,
  Instance,
  InstanceId,
  InstanceSpec,
  WorkerBackend,
} from '../../src/latent/backend.ts'
import type { BackendImages } from '../../src/latent/images/backend-images.ts'
import type { FakeApi } from './fake-api.ts'
import type { FakeTemplate } from './fake-machine.ts'

/** Instances at a fake provider. */
export class FakeBackend implements WorkerBackend<FakeTemplate> {
  readonly #api: FakeApi
  readonly #cluster: string
  readonly images: BackendImages

  constructor(api: FakeApi, cluster: string) {
    this.#api = api
    this.#cluster = cluster
    this.images = {
      identify: (from, { signal }) => api.identify(from, signal),
      keep: (id, image, { signal }) => api.keep(id, image, cluster, signal),
      list: ({ signal }) => api.listImages(cluster, signal),
      remove: (ref, { signal }) => api.removeImage(ref, signal),
    }
  }

  get listLag(): number {
    return this.#api.listLag
  }

  async start(spec: InstanceSpec<FakeTemplate>, { signal }: CallOptions): Promise<Instance> {
    return await this.#api.start(spec, this.#cluster, signal)
  }

  async stop(id: InstanceId, { signal }: CallOptions): Promise<void> {
    await this.#api.stop(id, this.#cluster, signal)
  }

  async seal(id: InstanceId, { signal }: CallOptions): Promise<void> {
    await this.#api.seal(id, this.#cluster, signal)
  }

  async reset(spec: InstanceSpec<FakeTemplate>, { signal }: CallOptions): Promise<void> {
    await this.#api.reset(spec, this.#cluster, signal)
  }

  async park(id: InstanceId, { signal }: CallOptions): Promise<void> {
    await this.#api.park(id, this.#cluster, signal)
  }

  async list({ signal }: CallOptions): Promise<readonly Instance[]> {
    return await this.#api.list(signal)
  }
}
