import { messageOf } from '../../model/errors.ts'
import type { Run } from '../../protocol/messages.ts'
import type { CommandResult } from '../../protocol/operation.ts'
import type { HeldCommand } from './held-command.ts'
import { MaskedOutput } from './mask/masked-output.ts'
import type { Host, OperationContext } from './operation-context.ts'
import { FileTransfer, isTransfer } from './file-transfer.ts'
import { OutputLog } from './output-log.ts'
import { runFileOperation } from './run-file-operation.ts'
import { runShell } from './run-shell.ts'
import { removeResult, writeResult } from './spool/result-file.ts'
import { logPath, spoolPath } from './spool/spool-path.ts'
import { endedBy, type Stop } from './stop.ts'
import { workspaceFolder } from './workspace-path.ts'

/** One command of a master, from its `run` until it is forgotten. */
export class Command implements HeldCommand {
  readonly id: string
  readonly logs: readonly OutputLog[]
  /** The file that it sends or receives. */
  readonly transfer: FileTransfer | undefined
  result: CommandResult | null = null
  readonly finished: Promise<void>
  readonly #path: string
  readonly #cancel = new AbortController()
  readonly #kill = new AbortController()

  constructor(message: Run, o: { baseDir: string; host: Host }) {
    const { host } = o
    this.id = message.command
    this.#path = spoolPath(host.spoolDir, this.id)
    const { logFiles = [], maxLogSize: maxBytes } = message.operation.op === 'shell' ? message.operation : {}
    this.logs = Array.from(
      { length: 1 + logFiles.length },
      (_, log) => new OutputLog({ path: logPath(this.#path, log), usage: host.usage, maxBytes }),
    )
    this.transfer = isTransfer(message.operation) ? new FileTransfer(message.command) : undefined
    this.finished = this.#run(message, o.baseDir, host)
  }

  cancel(stop: Stop): void {
    this.#cancel.abort(stop)
  }

  kill(stop: Stop): void {
    this.#kill.abort(stop)
  }

  forget(): void {
    for (const output of this.logs) output.discard()
    if (this.result) removeResult(this.#path)
    else void this.finished.then(() => removeResult(this.#path))
  }

  async #run(message: Run, baseDir: string, host: Host): Promise<void> {
    const outputs = this.logs.map((log) => new MaskedOutput(log, message.mask ?? []))
    const [output, ...logFiles] = outputs as [MaskedOutput, ...MaskedOutput[]]
    const result = await this.#perform(message, { baseDir, host, output, logFiles })
    for (const each of outputs) each.finish()
    const { message: text } = result
    const masked = text === undefined ? result : { ...result, message: output.masked(text).slice(0, 4096) }
    try {
      writeResult(this.#path, { result: masked, logs: this.logs.map(({ end }) => end) })
    } catch {
      // The disk is full: should the agent die before the master has the result, the command counts as lost.
    }
    this.result = masked
  }

  async #perform(
    { operation, workspace }: Run,
    o: { baseDir: string } & Pick<OperationContext, 'host' | 'output' | 'logFiles'>,
  ): Promise<CommandResult> {
    const { id } = this
    const { baseDir, host, logFiles, output } = o
    const [cancel, kill] = [this.#cancel.signal, this.#kill.signal]
    try {
      const folder = workspaceFolder(baseDir, workspace)
      if (isTransfer(operation)) {
        const signal = AbortSignal.any([cancel, kill])
        return await this.transfer!.run(operation, { workspace: folder, host, signal })
      }
      if (operation.op !== 'shell')
        return await runFileOperation(operation, folder, AbortSignal.any([cancel, kill]))
      return await runShell(operation, { id, workspace: folder, output, logFiles, cancel, kill, host })
    } catch (error) {
      return endedBy({ reason: 'notStarted', message: messageOf(error) })
    }
  }
}
