import type { Run, Stream } from '../../protocol/runs.ts'
import { SpooledLog } from './spool/spooled-log.ts'
import type { SpoolUsage } from './spool/spool-usage.ts'
import { TailRing } from './spool/tail-ring.ts'

export interface OutputLogOptions {
  /** What the names of its files begin with. */
  readonly path: string
  readonly usage: SpoolUsage
  /** Of a longer log the middle is left out. Default 200 MiB. */
  readonly maxBytes?: number | undefined
}

/**
 * The part of one log of a command that the master has not committed yet, on disk. Offsets count from the log's first byte.
 * It never refuses bytes, but says when it is full: the writer then pauses until `onRoom`.
 */
export class OutputLog {
  onData: () => void = () => {}
  onRoom: () => void = () => {}
  /** Something other than a header has been written. */
  started = false
  readonly #o: OutputLogOptions
  readonly #headBytes: number
  readonly #tailBytes: number
  readonly #log: SpooledLog
  readonly #tellOfRoom = () => {
    if (!this.full) this.onRoom()
  }
  #tail: TailRing | undefined
  #window = Infinity
  #discarding = false
  #unbounded = false
  #atLineStart = true
  #diskFullSince: number | undefined
  #retry: NodeJS.Timeout | undefined

  constructor(options: OutputLogOptions, log = new SpooledLog(options.path, options.usage)) {
    const { maxBytes = defaultMaxLogSize, usage } = options
    this.#o = options
    this.#headBytes = Math.ceil(maxBytes / 2)
    this.#tailBytes = Math.floor(maxBytes / 2)
    this.#log = log
    usage.listen(this.#tellOfRoom)
  }

  /** Takes over what a dead process wrote: `names` follow after the path. */
  static recover(options: OutputLogOptions, names: readonly string[]): OutputLog {
    const { path, usage } = options
    const log = new OutputLog(options, SpooledLog.recover(path, names, usage))
    log.started = true
    log.#atLineStart = false
    log.#tail = TailRing.recover(path, names, usage)
    log.#adoptTail()
    return log
  }

  /** Everything before is committed. */
  get start(): number {
    return this.#log.start
  }

  get end(): number {
    return this.#log.end
  }

  // A tail is not sent before the command's end, so that waiting would help nobody.
  get full(): boolean {
    if (this.#discarding || this.#unbounded || this.#tail) return false
    return this.#log.waiting || this.#o.usage.full || this.end - this.start >= this.#window
  }

  /** How many bytes may wait for the master; Infinity while there is none, when only the disk bounds them. */
  set window(bytes: number) {
    this.#window = bytes
    this.#tellOfRoom()
  }

  /** The bytes are the caller's again when this returns. */
  append(stream: Stream, bytes: Buffer): void {
    if (this.#discarding || bytes.length === 0) return
    this.started ||= stream !== 'header'
    this.#atLineStart = bytes.at(-1) === newline
    const room = this.#tail ? 0 : Math.max(0, this.#headBytes - this.end)
    if (room > 0) this.#put(stream, bytes.subarray(0, room))
    if (bytes.length > room) this.#appendTail(stream, bytes.subarray(room))
    this.onData()
  }

  /** Counts bytes of a log that is too long without having them. As much as it may have must follow. */
  leaveOut(bytes: number): void {
    if (this.#discarding) return
    this.#tail ??= this.#beginTail()
    this.#tail.leaveOut(bytes)
  }

  /** A line of our own, which begins where a line begins. */
  appendHeader(text: string): void {
    this.append('header', Buffer.from(this.#atLineStart ? text : `\n${text}`))
  }

  /** The command has said everything: what was kept of the end of a log that is too long follows. */
  finish(): void {
    if (!this.#discarding) this.#adoptTail()
    this.#log.seal()
  }

  /** At most `max` bytes from `offset` on, which must not lie before `start`. */
  read(offset: number, max: number): { raw: Buffer; runs: Run[] } {
    return this.#log.read(offset, max)
  }

  /** The master has committed everything before `offset`. */
  release(offset: number): void {
    this.#log.release(offset)
    this.#tellOfRoom()
  }

  /** Nobody will read it any more: what is there goes, and what comes is dropped. The log goes on at `offset`. */
  discard(offset = this.end): void {
    this.#discarding = true
    clearInterval(this.#retry)
    this.#o.usage.unlisten(this.#tellOfRoom)
    this.#log.clear(offset)
    this.#tail?.remove()
    this.onRoom()
  }

  /** The writer ends now, and shall not wait for room to do so. */
  neverFull(): void {
    this.#unbounded = true
    this.onRoom()
  }

  /** Lets go of its files without removing them. */
  close(): void {
    clearInterval(this.#retry)
    this.#o.usage.unlisten(this.#tellOfRoom)
    this.#log.seal()
  }

  #put(stream: Stream, bytes: Buffer): void {
    this.#log.append(stream, bytes)
    if (this.#log.waiting) this.#wait()
    else if (this.#diskFullSince !== undefined) this.#tellOfFullDisk()
  }

  #appendTail(stream: Stream, bytes: Buffer): void {
    this.#tail ??= this.#beginTail()
    this.#tail.append(stream, bytes)
  }

  #beginTail(): TailRing {
    const text = `the log is ${this.#headBytes} bytes long: of what follows only the last ${this.#tailBytes} are kept\n`
    this.#put('header', Buffer.from(`\n${text}`))
    return new TailRing(this.#o.path, this.#o.usage, this.#tailBytes)
  }

  #adoptTail(): void {
    const tail = this.#tail
    if (!tail) return
    if (tail.leftOut > 0) this.#put('header', Buffer.from(`${tail.leftOut} bytes are left out here\n`))
    this.#log.adopt(tail.segments)
    this.#tail = undefined
    this.onData()
  }

  #wait(): void {
    this.#diskFullSince ??= performance.now()
    this.#retry ??= setInterval(() => {
      this.#log.flush()
      if (this.#log.waiting) return
      clearInterval(this.#retry)
      this.#retry = undefined
      this.#tellOfFullDisk()
      this.#tellOfRoom()
    }, retryMs)
  }

  #tellOfFullDisk(): void {
    const ms = performance.now() - this.#diskFullSince!
    this.#diskFullSince = undefined
    if (ms >= retryMs)
      this.appendHeader(`the agent's disk was full for ${Math.round(ms / 1000)} s: this waited\n`)
  }
}

export const defaultMaxLogSize = 209_715_200
const retryMs = 1000
const newline = 10
