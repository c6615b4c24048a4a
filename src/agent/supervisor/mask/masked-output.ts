import type { Stream } from '../../../protocol/runs.ts'
import type { OutputLog } from '../output-log.ts'
import { maskPatterns } from '../../../util/mask/mask-patterns.ts'
import { Masker } from '../../../util/mask/masker.ts'
import { maskText } from '../../../util/mask/mask-text.ts'

/** The way of a command's output into its log: nothing that is to be masked gets there. */
export class MaskedOutput {
  readonly #log: OutputLog
  readonly #secrets: readonly string[]
  readonly #maskers: Readonly<Record<'stdout' | 'stderr', Masker>> | undefined

  constructor(log: OutputLog, secrets: readonly string[]) {
    this.#log = log
    this.#secrets = secrets
    if (secrets.length === 0) return
    const patterns = maskPatterns(secrets)
    this.#maskers = { stdout: new Masker(patterns), stderr: new Masker(patterns) }
  }

  get full(): boolean {
    return this.#log.full
  }

  set onRoom(onRoom: () => void) {
    this.#log.onRoom = onRoom
  }

  /** The bytes are the caller's again when this returns. */
  append(stream: Exclude<Stream, 'header'>, bytes: Buffer): void {
    this.#log.append(stream, this.#maskers ? this.#maskers[stream].push(Buffer.from(bytes)) : bytes)
  }

  leaveOut(bytes: number): void {
    this.#log.leaveOut(bytes)
  }

  appendHeader(text: string): void {
    this.#log.appendHeader(this.masked(text))
  }

  /** Both streams have ended. */
  finish(): void {
    for (const stream of ['stdout', 'stderr'] as const)
      if (this.#maskers) this.#log.append(stream, this.#maskers[stream].end())
    this.#log.finish()
  }

  masked(text: string): string {
    return maskText(text, this.#secrets)
  }
}
