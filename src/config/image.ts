import type { ImageConfig, ImageOptions, ImageReference } from '../model/image.ts'
import { deepFreeze } from './deep-freeze.ts'
import { isPlainObject } from './is-plain-object.ts'

/** An image that is provisioned once for each content of its inputs; an entry of `images`. Opens nothing. */
export function image(name: string, options: ImageOptions): ImageConfig
/** Names an image of `images`, for a worker's option `image`. */
export function image(name: string): ImageReference
export function image(name: string, options?: ImageOptions): ImageReference {
  const given = isPlainObject(options) ? options : options === undefined ? {} : { options }
  return deepFreeze({ ...given, kind: 'image', name })
}
