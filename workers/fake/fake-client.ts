import { BackendError } from '../../src/latent/backend-error.ts'
import type { Instance, InstanceId, InstanceSpec } from '../../src/latent/backend.ts'
import type { ImageStamp } from '../../src/latent/images/backend-images.ts'
import type { FakeApi } from './fake-api.ts'
import type { FakeTemplate } from './fake-machine.ts'

/** A FakeCloud that another process serves. */
export class FakeClient implements FakeApi {
  readonly #url: string
  readonly listLag: number

  constructor(url: string, listLag: number) {
    this.#url = url
    this.listLag = listLag
  }

  async start(spec: InstanceSpec<FakeTemplate>, cluster: string, signal: AbortSignal): Promise<Instance> {
    return (await this.#post('start', { spec, cluster }, signal)) as Instance
  }

  async stop(id: InstanceId, cluster: string, signal: AbortSignal): Promise<void> {
    await this.#post('stop', { id, cluster }, signal)
  }

  async seal(id: InstanceId, cluster: string, signal: AbortSignal): Promise<void> {
    await this.#post('seal', { id, cluster }, signal)
  }

  async reset(spec: InstanceSpec<FakeTemplate>, cluster: string, signal: AbortSignal): Promise<void> {
    await this.#post('reset', { spec, cluster }, signal)
  }

  async park(id: InstanceId, cluster: string, signal: AbortSignal): Promise<void> {
    await this.#post('park', { id, cluster }, signal)
  }

  async list(signal: AbortSignal): Promise<Instance[]> {
    return (await this.#post('list', {}, signal)) as Instance[]
  }

  async identify(from: string, signal: AbortSignal): Promise<string> {
    return (await this.#post('identify', { from }, signal)) as string
  }

  async keep(id: InstanceId, image: ImageStamp, cluster: string, signal: AbortSignal): Promise<string> {
    return (await this.#post('keep', { id, image, cluster }, signal)) as string
  }

  async listImages(cluster: string, signal: AbortSignal): Promise<string[]> {
    return (await this.#post('images', { cluster }, signal)) as string[]
  }

  async removeImage(ref: string, signal: AbortSignal): Promise<void> {
    await this.#post('remove-image', { ref }, signal)
  }

  async #post(operation: string, body: object, signal: AbortSignal): Promise<unknown> {
    const response = await fetch(new URL(operation, `${this.#url}/`), {
      method: 'POST',
      body: JSON.stringify(body),
      signal,
    })
    const {
      answer,
      code,
      message = '',
    } = (await response.json()) as {
      answer?: unknown
      code?: BackendError['code']
      message?: string
    }
    if (response.ok) return answer
    throw code === undefined ? new Error(message) : new BackendError(code, message)
  }
}
