import { isAbsolute } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ShellOperation } from '../../protocol/operation.ts'
import { FollowedFile } from './followed-file.ts'
import type { OperationContext } from './operation-context.ts'
import { defaultMaxLogSize } from './output-log.ts'

/** The files that a command is said to write, each with a loop that looks at it several times a second. */
export class FollowedFiles {
  readonly #files: readonly FollowedFile[]
  readonly #ended = new AbortController()
  #loops: Promise<unknown> = Promise.resolve()

  constructor(
    { logFiles = [], maxLogSize = defaultMaxLogSize, workdir }: ShellOperation,
    { cwd, context, heard }: { cwd: string; context: OperationContext; heard: () => void },
  ) {
    const { kill, logFiles: outputs, workspace } = context
    const common = {
      heard,
      kill,
      maxBytes: maxLogSize,
      root: isAbsolute(workdir) ? cwd : workspace,
      workdir: cwd,
    }
    this.#files = logFiles.map(({ path }, i) => new FollowedFile({ ...common, path, output: outputs[i]! }))
  }

  /** To be awaited before the command begins. */
  async prepare(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.prepare()))
  }

  /** To be ended by `finish`. */
  follow(): void {
    this.#loops = Promise.all(this.#files.map((file) => this.#follow(file)))
  }

  /** The command has ended: resolves when what is left is read. */
  async finish(): Promise<void> {
    this.#ended.abort()
    await this.#loops
  }

  async #follow(file: FollowedFile): Promise<void> {
    const { signal } = this.#ended
    while (!signal.aborted) {
      await file.read()
      await delay(lookMs, undefined, { signal }).catch(() => {})
    }
    await file.finish()
  }
}

const lookMs = 250
