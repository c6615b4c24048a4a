import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { GroupCommit } from '../../db/group-commit.ts'
import type { Database } from '../../db/schema.ts'
import type { Clock } from '../../util/clock.ts'
import type { OpenBackend } from '../open-backend.ts'

export interface ImagesOptions {
  readonly db: Kysely<Database>
  readonly commit: Pick<GroupCommit, 'write'>
  readonly clock: Clock
  readonly log: Logger
  /** Where paths of the config begin. */
  readonly configDir: string
  readonly backend: (key: string) => OpenBackend | undefined
  /** Why nothing is done now: whose the cluster's things are is not known. */
  readonly held: () => string | undefined
  /** Requests a build, once for a key, and gives the request's id. */
  readonly request: (wish: ImageWish) => Promise<number>
  /** A name stands for another image. */
  readonly changed: () => void
}

export interface ImageWish {
  readonly builder: string
  readonly reason: string
  readonly property: { readonly name: string; readonly value: string }
  readonly key: string
}
