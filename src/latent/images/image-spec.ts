import type { ImageConfig } from '../../model/image.ts'

/** An image of the config, and where it is made. */
export interface ImageSpec extends Omit<ImageConfig, 'kind'> {
  /** The key of the backend of the workers that use it. */
  readonly backend: string
}
