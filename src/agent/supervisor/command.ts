import { messageOf } from '../../model/errors.ts'
import type { Run } from '../../protocol/messages.ts'
import type { CommandResult } from '../../protocol/operation.ts'
import type { Host } from './operation-context.ts'
import { FileTransfer, isTransfer } from './file-transfer.ts'
import { OutputLog } from './output-log.ts'
import { runFileOperation } from './run-file-operation.ts'
import { runShell } from './run-shell.ts'
import { workspaceFolder } from './workspace-path.ts'

/** One command of a master, from its `run` until it is forgotten. */
export class Command {
  readonly id: string
  readonly output: OutputLog
  /** The file that it sends or receives. */
  readonly transfer: FileTransfer | undefined
  result: CommandResult | null = null
  /** Resolves when nothing of it runs any more. Never rejects. */
  readonly finished: Promise<void>
  readonly #cancel = new AbortController()
  readonly #kill = new AbortController()

  constructor(message: Run, o: { baseDir: string; host: Host; window: number }) {
    this.id = message.command
    this.output = new OutputLog(o.window)
    this.transfer = isTransfer(message.operation) ? new FileTransfer(message.command) : undefined
    this.finished = this.#run(message, o.baseDir, o.host)
  }

  /** Ends it with SIGTERM, and SIGKILL after its grace. Its output and result are still wanted. */
  cancel(reason: string): void {
    this.#cancel.abort(reason)
  }

  /** Ends it at once; nobody wants its output. */
  kill(): void {
    this.output.discard()
    this.#kill.abort()
  }

  async #run(message: Run, baseDir: string, host: Host): Promise<void> {
    try {
      this.result = await this.#perform(message, workspaceFolder(baseDir, message.workspace), host)
    } catch (error) {
      this.result = {
        exitCode: null,
        signal: null,
        reason: 'notStarted',
        message: messageOf(error).slice(0, 4096),
      }
    }
  }

  #perform({ operation }: Run, workspace: string, host: Host): Promise<CommandResult> {
    const { output } = this
    const [cancel, kill] = [this.#cancel.signal, this.#kill.signal]
    if (isTransfer(operation))
      return this.transfer!.run(operation, { workspace, host, signal: AbortSignal.any([cancel, kill]) })
    if (operation.op !== 'shell')
      return runFileOperation(operation, workspace, AbortSignal.any([cancel, kill]))
    return runShell(operation, { id: this.id, workspace, output, cancel, kill, host })
  }
}
