import type { Builds } from './builds/builds.ts'
import type { Latent } from './latent/latent.ts'
import { Images } from './latent/images/images.ts'
import type { ImagesOptions, ImageWish } from './latent/images/images-options.ts'

interface OpenImagesOptions extends Pick<ImagesOptions, 'clock' | 'commit' | 'configDir' | 'db' | 'log'> {
  /** Both are opened after the images, which they ask. */
  readonly latent: () => Latent
  readonly builds: () => Builds
}

/** The config's images, with what they need of the master. */
export function openImages({ builds, latent, ...options }: OpenImagesOptions): Images {
  return new Images({
    ...options,
    backend: (key) => latent().backend(key),
    held: () => latent().held,
    request: (wish) => request(builds(), wish),
    changed: () => latent().hooks.distributed(),
  })
}

async function request(builds: Builds, { builder, key, property, reason }: ImageWish): Promise<number> {
  const { requests } = await builds.submit({
    builders: [builder],
    source: { repository: '', branch: null, revision: null },
    properties: [{ ...property, source: 'force' }],
    priority: 0,
    reason,
    origin: 'force',
    idempotencyKey: key,
  })
  return requests[0]!.id
}
