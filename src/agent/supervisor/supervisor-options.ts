import type { Facts } from '../../protocol/messages.ts'
import type { Log } from '../log.ts'

export interface SupervisorOptions {
  /** Workspaces are below it. Made when missing; one agent at a time may use it. */
  readonly baseDir: string
  readonly log: Log
  /** What it tells of its machine. Default: what it finds out. */
  readonly facts?: Facts
  /** What commands get the allow-listed part of. Default process.env. */
  readonly env?: NodeJS.ProcessEnv
  /** Bytes of output on disk at which commands wait. Default 1 GiB. */
  readonly maxSpool?: number | undefined
}
