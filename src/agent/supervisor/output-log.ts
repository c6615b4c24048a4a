import { maxRuns } from '../../protocol/output-frame.ts'
import type { Run, Stream } from '../../protocol/runs.ts'

/**
 * The part of one log of a command that the master has not committed yet. Offsets count from the log's first byte. It
 * never refuses bytes, but says when it is full: the writer then pauses until `onRoom`.
 */
export class OutputLog {
  onData: () => void = () => {}
  onRoom: () => void = () => {}
  /** Something other than a header has been written. */
  started = false
  readonly #blocks: Buffer[] = []
  readonly #runs: { stream: Stream; length: number }[] = []
  #start = 0
  #end = 0
  #window: number
  #discarding = false
  #atLineStart = true

  /** `window`: raw bytes it holds before it is full. */
  constructor(window: number) {
    this.#window = window
  }

  /** Everything before is committed and gone. */
  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  // Runs cost memory too: a command that writes single bytes to both streams in turn makes one of each.
  get full(): boolean {
    return !this.#discarding && this.#end - this.#start + this.#runs.length * runCost >= this.#window
  }

  set window(bytes: number) {
    this.#window = bytes
    this.#tellOfRoom()
  }

  append(stream: Stream, bytes: Buffer): void {
    if (this.#discarding || bytes.length === 0) return
    const lastRun = this.#runs.at(-1)
    if (lastRun?.stream === stream) lastRun.length += bytes.length
    else this.#runs.push({ stream, length: bytes.length })
    const lastBlock = this.#blocks.at(-1)
    // Joins small writes, so that the number of blocks is bounded too.
    if (lastBlock && lastBlock.length + bytes.length <= smallBlock)
      this.#blocks[this.#blocks.length - 1] = Buffer.concat([lastBlock, bytes])
    else this.#blocks.push(bytes)
    this.#end += bytes.length
    this.started ||= stream !== 'header'
    this.#atLineStart = bytes.at(-1) === newline
    this.onData()
  }

  /** A line of our own, which begins where a line begins. */
  appendHeader(text: string): void {
    this.append('header', Buffer.from(this.#atLineStart ? text : `\n${text}`))
  }

  /** At most `max` bytes from `offset` on, which must not lie before `start`. */
  read(offset: number, max: number): { raw: Buffer; runs: Run[] } {
    const runs = this.#readRuns(offset, max)
    const length = runs.reduce((sum, run) => sum + run.length, 0)
    return { raw: this.#readBytes(offset, length), runs }
  }

  /** The master has committed everything before `offset`. */
  release(offset: number): void {
    const count = Math.min(offset, this.#end) - this.#start
    if (count <= 0) return
    dropFirst(this.#blocks, count, (block, n) => block.subarray(n))
    dropFirst(this.#runs, count, (run, n) => ({ stream: run.stream, length: run.length - n }))
    this.#start += count
    this.#tellOfRoom()
  }

  /** Nobody will read it any more: what is there goes, and what comes is dropped. */
  discard(): void {
    this.#discarding = true
    this.#blocks.length = 0
    this.#runs.length = 0
    this.#start = this.#end
    this.onRoom()
  }

  #tellOfRoom(): void {
    if (!this.full) this.onRoom()
  }

  #readRuns(offset: number, max: number): Run[] {
    const found: Run[] = []
    let skip = offset - this.#start
    let left = max
    for (const { stream, length } of this.#runs) {
      if (left === 0 || found.length === maxRuns) break
      const part = Math.min(length - skip, left)
      if (part > 0) found.push({ stream, length: part })
      if (part > 0) left -= part
      skip = Math.max(0, skip - length)
    }
    return found
  }

  #readBytes(offset: number, length: number): Buffer {
    const found: Buffer[] = []
    let skip = offset - this.#start
    let left = length
    for (const block of this.#blocks) {
      if (left === 0) break
      const part = block.subarray(skip, skip + left)
      if (part.length > 0) found.push(part)
      left -= part.length
      skip = Math.max(0, skip - block.length)
    }
    return found.length === 1 ? found[0]! : Buffer.concat(found)
  }
}

function dropFirst<T extends { readonly length: number }>(
  items: T[],
  count: number,
  cut: (item: T, n: number) => T,
): void {
  let whole = 0
  let left = count
  for (const { length } of items) {
    if (length > left) break
    left -= length
    whole++
  }
  items.splice(0, whole)
  if (left > 0) items[0] = cut(items[0]!, left)
}

const smallBlock = 4096
const runCost = 64
const newline = 10
