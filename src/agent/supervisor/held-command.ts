import type { CommandResult } from '../../protocol/operation.ts'
import type { FileTransfer } from './file-transfer.ts'
import type { OutputLog } from './output-log.ts'
import type { Stop } from './stop.ts'

/** A command that the master has not forgotten yet. */
export interface HeldCommand {
  readonly id: string
  /** 0 is what it prints, the others are of files that it writes. */
  readonly logs: readonly OutputLog[]
  /** The file that it sends or receives. */
  readonly transfer?: FileTransfer | undefined
  readonly result: CommandResult | null
  /** Resolves when nothing of it runs any more. Never rejects. */
  readonly finished: Promise<void>
  /** Ends it with SIGTERM, and SIGKILL after its grace. Its output and result are still wanted. */
  cancel(stop: Stop): void
  /** Ends it at once. */
  kill(stop: Stop): void
  /** Removes what is stored of it, when nothing of it runs any more. */
  forget(): void
}
