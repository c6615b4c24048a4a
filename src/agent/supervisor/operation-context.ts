import type { Leftovers } from './leftovers.ts'
import type { OutputLog } from './output-log.ts'
import type { PipePool } from './pipe-pool.ts'

/** What an operation runs with. */
export interface OperationContext {
  readonly id: string
  readonly workspace: string
  readonly output: OutputLog
  /** Aborted with a reason for people: SIGTERM, and SIGKILL after the operation's grace. */
  readonly cancel: AbortSignal
  /** Aborted: SIGKILL at once. */
  readonly kill: AbortSignal
  readonly host: Host
}

/** What all commands of a supervisor share. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly scratchDir: string
  readonly pipes: PipePool
  readonly leftovers: Leftovers
}
