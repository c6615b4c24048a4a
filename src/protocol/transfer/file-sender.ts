import type { FileFrame } from '../file-frame.ts'
import { maxRawBytes, type Codec } from '../output-frame.ts'

export interface ByteSource {
  /** The bytes from `offset` on, `length` of them; fewer only where the file ends. */
  read(offset: number, length: number): Promise<Buffer>
}

export interface FileSenderOptions {
  readonly command: string
  /** Wants may come before it is there. */
  readonly source: Promise<ByteSource>
  readonly encode: (raw: Buffer) => Promise<{ codec: Codec; body: Buffer }>
  readonly send: (frame: FileFrame) => void
}

/** Sends a file as its receiver asks for it. It keeps nothing but a frame, so that it can begin again anywhere. */
export class FileSender {
  /** Resolves when the receiver has all of it; rejects when the source fails, or the transfer is stopped. */
  readonly finished: Promise<void>
  readonly #o: FileSenderOptions
  /** Undefined until the receiver has said where to begin. */
  #sent: number | undefined
  #limit = 0
  #ended = false
  #pumping = false
  /** Another one after each restart: what was read for the connection before is not sent. */
  #connection = 0
  #resolve!: () => void
  #reject!: (error: unknown) => void

  constructor(options: FileSenderOptions) {
    this.#o = options
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.finished.catch(() => {})
    options.source.catch((error: unknown) => this.#reject(error))
  }

  /** There is a new connection: the next want says where to begin. */
  restart(): void {
    this.#sent = undefined
    this.#ended = false
    this.#connection++
  }

  want(offset: number, bytes: number): void {
    if (bytes === 0) return this.#resolve()
    this.#sent ??= offset
    this.#limit = offset + Math.min(bytes, maxWindow)
    this.#pump()
  }

  /** Sends no more. */
  stop(error: unknown): void {
    this.restart()
    this.#reject(error)
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    void this.#sendAll()
      .catch((error: unknown) => this.stop(error))
      .finally(() => {
        this.#pumping = false
        if (this.#mayAtOnce > 0) this.#pump()
      })
  }

  /** Bytes that may be sent now. */
  get #mayAtOnce(): number {
    if (this.#sent === undefined || this.#ended) return 0
    return Math.min(maxRawBytes, this.#limit - this.#sent)
  }

  async #sendAll(): Promise<void> {
    const source = await this.#o.source
    for (let length = this.#mayAtOnce; length > 0; length = this.#mayAtOnce) {
      const connection = this.#connection
      const offset = this.#sent!
      const raw = await source.read(offset, length)
      const { body, codec } = await this.#o.encode(raw)
      if (connection !== this.#connection) continue
      this.#sent = offset + raw.length
      this.#ended = raw.length < length
      const { command } = this.#o
      this.#o.send({ command, codec, offset, rawLength: raw.length, last: this.#ended, body })
    }
  }
}

/** No receiver can make a sender put more than this into a connection at once. */
const maxWindow = 4_194_304
