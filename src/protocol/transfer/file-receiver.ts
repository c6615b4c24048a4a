import { createHash } from 'node:crypto'
import type { FileFrame } from '../file-frame.ts'
import type { Codec } from '../output-frame.ts'

export interface FileReceiverOptions {
  /** Raw bytes that may be on the way. */
  readonly window: number
  /** A file that has more is refused. */
  readonly maxBytes: number
  readonly decode: (codec: Codec, body: Buffer) => Promise<Buffer>
  readonly write: (bytes: Buffer) => Promise<void>
  /** The file is whole: makes it safe. */
  readonly finish: (file: ReceivedFile) => Promise<void>
  /** Asks for more, or with 0 says that all of it is safe. */
  readonly ask: (offset: number, bytes: number) => void
}

export interface ReceivedFile {
  readonly size: number
  readonly sha256: string
}

export class FileTooLarge extends Error {
  override readonly name = 'FileTooLarge'
}

/** Takes a file frame by frame, each exactly once, and writes it in order. At most a window of it is in memory. */
export class FileReceiver {
  /** Resolves when the file is safe; rejects when it cannot be. */
  readonly finished: Promise<ReceivedFile>
  readonly #o: FileReceiverOptions
  readonly #hash = createHash('sha256')
  #received = 0
  #written = 0
  #state: 'open' | 'ended' | 'safe' | 'failed' = 'open'
  #work: Promise<void> = Promise.resolve()
  #resolve!: (file: ReceivedFile) => void
  #reject!: (error: unknown) => void

  constructor(options: FileReceiverOptions) {
    this.#o = options
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.finished.catch(() => {})
  }

  /** Resolves when what has come so far is written, or could not be. */
  get settled(): Promise<void> {
    return this.#work
  }

  /** What to tell the sender on a new connection, once `settled` has resolved. */
  next(): { offset: number; bytes: number } {
    return { offset: this.#received, bytes: this.#state === 'safe' ? 0 : this.#o.window }
  }

  /** Throws an Error when no honest sender would send this. */
  frame(frame: FileFrame): void {
    if (this.#state === 'failed' || frame.offset < this.#received) return
    if (this.#state !== 'open') throw new Error('a file that goes on after its end')
    if (frame.offset > this.#received) throw new Error('a file with a gap')
    const end = frame.offset + frame.rawLength
    if (end > this.#written + this.#o.window) throw new Error('more of a file than was asked for')
    this.#received = end
    if (frame.last) this.#state = 'ended'
    this.#work = this.#work.then(() => this.#take(frame)).catch((error: unknown) => this.fail(error))
  }

  /** Takes no more. */
  fail(error: unknown): void {
    if (this.#state === 'safe') return
    this.#state = 'failed'
    this.#reject(error)
  }

  async #take({ body, codec, last, rawLength }: FileFrame): Promise<void> {
    if (this.#state === 'failed') return
    const { ask, decode, finish, maxBytes, write } = this.#o
    const raw = rawLength === 0 ? Buffer.alloc(0) : await decode(codec, body)
    if (raw.length !== rawLength) throw new Error('a part of the file is not as long as it says')
    if (this.#written + rawLength > maxBytes)
      throw new FileTooLarge(`it is larger than ${maxBytes} bytes, the limit`)
    await write(raw)
    this.#hash.update(raw)
    this.#written += rawLength
    if (!last) return ask(this.#written, this.#o.window)
    const file = { size: this.#written, sha256: this.#hash.digest('hex') }
    await finish(file)
    // It may have been given up meanwhile.
    if (!this.#isEnded) return
    this.#state = 'safe'
    ask(this.#written, 0)
    this.#resolve(file)
  }

  get #isEnded(): boolean {
    return this.#state === 'ended'
  }
}
