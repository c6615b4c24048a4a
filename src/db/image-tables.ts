import type { Generated } from 'kysely'
import type { ImageState } from '../model/image.ts'
import type { OptionalTime, Time } from './column-types.ts'

export interface ImagesTable {
  name: string
  /** Of all that it is made of. */
  hash: string
  /** The key of its backend. */
  backend: string
  /** The image that it was begun from, as the config names it. */
  base: string
  state: ImageState
  /** Counts the requests for a build of it. */
  attempt: Generated<number>
  request_id: number | null
  /** The build that has provisioned it, on this instance. */
  build_id: number | null
  instance_id: string | null
  /** How the provider calls it. */
  ref: string | null
  error: string | null
  created_at: Time
  changed_at: Time
  ready_at: OptionalTime
  /** Since when its name stands for another. */
  retired_at: OptionalTime
}

export interface ImageNamesTable {
  name: string
  /** What the config's inputs come to. */
  wanted: string | null
  /** What new instances are made of. */
  used: string | null
  /** What somebody has said it shall be. */
  pinned: string | null
  fresh: Generated<number>
}
