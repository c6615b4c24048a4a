import type { Stream } from '../../../protocol/runs.ts'
import { Segment } from './segment.ts'
import type { SpoolUsage } from './spool-usage.ts'
import { segmentBytes } from './spooled-log.ts'

/** The last bytes of a log that has become too long, in files `tail-<bytes before it>`; the oldest go first. */
export class TailRing {
  readonly #path: string
  readonly #usage: SpoolUsage
  readonly #maxBytes: number
  readonly #pieceBytes: number
  readonly #segments: Segment[] = []
  #open: Segment | undefined
  #seen = 0
  #kept = 0

  constructor(path: string, usage: SpoolUsage, maxBytes: number) {
    this.#path = path
    this.#usage = usage
    this.#maxBytes = maxBytes
    this.#pieceBytes = Math.max(1, Math.min(segmentBytes, Math.ceil(maxBytes / 8)))
  }

  /** Undefined when the dead process that wrote there had no tail. */
  static recover(path: string, names: readonly string[], usage: SpoolUsage): TailRing | undefined {
    const starts = names.flatMap((name) => /^tail-(\d+)$/.exec(name)?.[1] ?? [])
    if (starts.length === 0) return undefined
    const ring = new TailRing(path, usage, Infinity)
    for (const start of starts.map(Number).sort((a, b) => a - b)) {
      const segment = Segment.recover(`${path}tail-${start}`, start, usage)
      ring.#segments.push(segment)
      ring.#kept += segment.raw
      ring.#seen = segment.end
    }
    return ring
  }

  /** Oldest first. */
  get segments(): readonly Segment[] {
    return this.#segments
  }

  /** Bytes that are not in it any more. */
  get leftOut(): number {
    return this.#seen - this.#kept
  }

  append(stream: Stream, bytes: Buffer): void {
    const first = Math.max(0, bytes.length - this.#maxBytes)
    this.#seen += first
    for (let at = first; at < bytes.length; at += this.#pieceBytes)
      this.#put(stream, bytes.subarray(at, at + this.#pieceBytes))
  }

  /** Counts bytes that are not here. */
  leaveOut(bytes: number): void {
    this.#seen += bytes
    // The name of the next file says so too.
    this.#open?.seal()
    this.#open = undefined
  }

  remove(): void {
    while (this.#segments.length > 0) this.#dropOldest()
  }

  #put(stream: Stream, piece: Buffer): void {
    const segment = this.#segmentWithRoom(piece.length)
    this.#seen += piece.length
    // On a full disk the older ones make room; without any, the piece is left out.
    while (!segment.tryAppend(stream, piece)) {
      if (this.#segments.length > 1) this.#dropOldest()
      else return this.#giveUp(segment)
    }
    this.#kept += piece.length
    while ((this.#kept > this.#maxBytes || this.#usage.crowded) && this.#segments.length > 1)
      this.#dropOldest()
  }

  #segmentWithRoom(length: number): Segment {
    if (this.#open && this.#open.raw + length <= this.#pieceBytes) return this.#open
    this.#open?.seal()
    this.#open = new Segment(`${this.#path}tail-${this.#seen}`, this.#seen, this.#usage)
    this.#segments.push(this.#open)
    return this.#open
  }

  #giveUp(segment: Segment): void {
    this.#open = undefined
    if (segment.raw > 0) return segment.seal()
    this.#segments.splice(this.#segments.indexOf(segment), 1)
    segment.remove()
  }

  #dropOldest(): void {
    const oldest = this.#segments.shift()!
    this.#kept -= oldest.raw
    oldest.remove()
  }
}
