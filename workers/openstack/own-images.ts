import { createHash } from 'node:crypto'
import { BackendError } from '../../src/latent/backend-error.ts'
import type { ImageStamp } from '../../src/latent/images/backend-images.ts'
import { unlessGone, type OpenStackApi } from './openstack-api.ts'
import { pages } from './pages.ts'
import { stamps } from './stamps.ts'

/** What Glance says of an image; its properties stand beside the rest. */
export interface OwnImage {
  readonly id: string
  readonly name?: string | null
  /** 'queued', 'saving', 'active', 'killed', ... */
  readonly status?: string
  /** The project's id. */
  readonly owner?: string | null
  readonly [property: string]: unknown
}

/**
 * The cluster's images in the project, known by their properties and by their name: a snapshot that somebody makes of an instance inherits
 * the properties of the image that the instance was made of.
 */
export class OwnImages {
  readonly #api: OpenStackApi
  readonly #cluster: string

  constructor({ api, cluster }: { readonly api: OpenStackApi; readonly cluster: string }) {
    this.#api = api
    this.#cluster = cluster
  }

  nameOf({ hash, name }: ImageStamp): string {
    const cluster = createHash('sha256').update(this.#cluster).digest('hex').slice(0, 12)
    return `rouse-${cluster}/${name}/${hash}`
  }

  stampOf({ hash, name }: ImageStamp): Record<string, string> {
    return { [stamps.cluster]: this.#cluster, [stamps.kept]: `${name}@${hash}` }
  }

  /** In any state. */
  async all(signal: AbortSignal): Promise<OwnImage[]> {
    const owner = await this.#api.projectId(signal)
    const query = new URLSearchParams({ owner, [stamps.cluster]: this.#cluster })
    const o = {
      service: 'image',
      path: `/images?${query.toString()}`,
      key: 'images',
      urgency: 'start',
      signal,
    } as const
    // Not all clouds filter by properties.
    return (await pages<OwnImage>(this.#api, o)).filter(
      (image) => image.owner === owner && this.#isOurs(image),
    )
  }

  /** Undefined: it is not there. */
  async find(id: string, signal: AbortSignal): Promise<OwnImage | undefined> {
    const path = `/images/${encodeURIComponent(id)}`
    const get = { service: 'image', method: 'GET', path, urgency: 'start', signal } as const
    return await unlessGone(this.#api.call<OwnImage>(get))
  }

  async remove(image: OwnImage, signal: AbortSignal): Promise<void> {
    if (!this.#isOurs(image)) throw new BackendError('REJECTED', `image ${image.id} is not ours`)
    const path = `/images/${encodeURIComponent(image.id)}`
    await unlessGone(this.#api.call({ service: 'image', method: 'DELETE', path, urgency: 'stop', signal }))
  }

  #isOurs(image: OwnImage): boolean {
    const kept = image[stamps.kept]
    const [name, hash] = typeof kept === 'string' ? kept.split('@') : []
    const isStamped = image[stamps.cluster] === this.#cluster && !!name && !!hash
    return isStamped && image.name === this.nameOf({ name, hash })
  }
}
