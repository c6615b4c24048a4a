import type { Leftovers } from './leftovers.ts'
import type { MaskedOutput } from './mask/masked-output.ts'
import type { PipePool } from './pipe-pool.ts'
import type { SpoolUsage } from './spool/spool-usage.ts'

/** What an operation runs with. */
export interface OperationContext {
  readonly id: string
  readonly workspace: string
  readonly output: MaskedOutput
  /** Where the files that a shell operation names go. */
  readonly logFiles: readonly MaskedOutput[]
  /** Aborted with a `Stop`: SIGTERM, and SIGKILL after the operation's grace. */
  readonly cancel: AbortSignal
  /** Aborted with a `Stop`: SIGKILL at once. */
  readonly kill: AbortSignal
  readonly host: Host
}

/** What all commands of a supervisor share. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly scratchDir: string
  /** Has the output and results that the master has not got yet. */
  readonly spoolDir: string
  readonly usage: SpoolUsage
  readonly pipes: PipePool
  readonly leftovers: Leftovers
}
