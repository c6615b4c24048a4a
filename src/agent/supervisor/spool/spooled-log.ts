import { maxRuns } from '../../../protocol/output-frame.ts'
import type { Run, Stream } from '../../../protocol/runs.ts'
import { parseHeader, recordBytes, Segment } from './segment.ts'
import type { SpoolUsage } from './spool-usage.ts'

/**
 * The part of a log that the master has not committed yet, in files named by the offset of their first byte. A file goes when
 * all of it is committed. Reading goes through the files, so that the log takes no memory.
 */
export class SpooledLog {
  readonly #path: string
  readonly #usage: SpoolUsage
  readonly #segments: Segment[] = []
  #start = 0
  #end = 0
  #place: Place | undefined

  /** `path`: what the names of its files begin with. */
  constructor(path: string, usage: SpoolUsage) {
    this.#path = path
    this.#usage = usage
  }

  /** Takes over what a dead process wrote: `names` follow after `path`. What does not join on is removed. */
  static recover(path: string, names: readonly string[], usage: SpoolUsage): SpooledLog {
    const log = new SpooledLog(path, usage)
    const starts = names.filter((name) => /^\d+$/.test(name))
    for (const start of starts.map(Number).sort((a, b) => a - b)) {
      const segment = Segment.recover(log.#pathOf(start), start, usage)
      if (log.#segments.length > 0 && start !== log.#end) segment.remove()
      else log.#add(segment)
    }
    log.#start = log.#segments[0]?.start ?? 0
    return log
  }

  /** Everything before is committed. */
  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  /** Part of it could not be written to disk. */
  get waiting(): boolean {
    return this.#segments.some((segment) => segment.waiting)
  }

  append(stream: Stream, bytes: Buffer): void {
    let last = this.#segments.at(-1)
    if (!last || (last.size >= segmentBytes && !last.waiting)) {
      last?.seal()
      last = new Segment(this.#pathOf(this.#end), this.#end, this.#usage)
      this.#segments.push(last)
    }
    if (last.waiting) last.flush()
    last.append(stream, bytes)
    this.#end += bytes.length
  }

  flush(): void {
    for (const segment of this.#segments) if (segment.waiting && !segment.flush()) return
  }

  /** Appends files that were written apart. */
  adopt(segments: readonly Segment[]): void {
    this.#segments.at(-1)?.seal()
    for (const segment of segments) this.#add(segment.moveTo(this.#pathOf(this.#end), this.#end))
  }

  /** At most `max` bytes from `offset` on, which must not lie before `start`. Throws what reading the files throws. */
  read(offset: number, max: number): { raw: Buffer; runs: Run[] } {
    const raw = Buffer.allocUnsafe(Math.max(0, Math.min(max, this.#end - offset)))
    const runs: { stream: Stream; length: number }[] = []
    let place = this.#place?.offset === offset ? this.#place : this.#find(offset)
    let length = 0
    while (place && length < raw.length) {
      const taken = this.#take(place, raw.subarray(length), runs)
      if (isSame(taken, place)) break
      length += taken.offset - place.offset
      place = taken
      if (runs.length === maxRuns) break
    }
    this.#place = place
    return { raw: raw.subarray(0, length), runs }
  }

  /** The master has committed everything before `offset`. */
  release(offset: number): void {
    this.#start = Math.max(this.#start, Math.min(offset, this.#end))
    let gone = 0
    for (const segment of this.#segments) {
      const isLast = gone === this.#segments.length - 1
      if (segment.end > this.#start || (isLast && !this.#isBurden(segment))) break
      segment.remove()
      gone++
    }
    if (gone > 0) this.#forgetFirst(gone)
  }

  /** Removes everything. The log goes on at `offset`. */
  clear(offset: number): void {
    for (const segment of this.#segments) segment.remove()
    this.#segments.length = 0
    this.#place = undefined
    this.#start = this.#end = offset
  }

  /** Nothing is appended for now: its file need not stay open. */
  seal(): void {
    this.#segments.at(-1)?.seal()
  }

  // The last one is written on, rather than made anew for every line.
  #isBurden(last: Segment): boolean {
    return last.waiting || last.size >= segmentBytes / 4 || this.#usage.full
  }

  #add(segment: Segment): void {
    this.#segments.push(segment)
    this.#end = segment.end
  }

  #pathOf(offset: number): string {
    return `${this.#path}${offset}`
  }

  #forgetFirst(count: number): void {
    this.#segments.splice(0, count)
    if (!this.#place) return
    this.#place =
      this.#place.segment < count ? undefined : { ...this.#place, segment: this.#place.segment - count }
  }

  #find(offset: number): Place | undefined {
    const segment = this.#segments.findLastIndex(({ start }) => start <= offset)
    if (segment === -1) return undefined
    let place: Place = {
      segment,
      position: 0,
      offset: this.#segments[segment]!.start,
      stream: 'header',
      left: 0,
    }
    while (place.offset < offset) {
      const next = this.#take(place, offset - place.offset, [])
      if (isSame(next, place)) return undefined
      place = next
    }
    return place
  }

  // One read from one file, into a buffer, or over so many bytes. Gives the place behind what it took.
  #take(from: Place, into: Buffer | number, runs: { stream: Stream; length: number }[]): Place {
    const max = typeof into === 'number' ? into : into.length
    const file = this.#segments[from.segment]!
    const count = file.read(scratch, from.position)
    if (count === 0) {
      if (!this.#segments[from.segment + 1]) return from
      return { segment: from.segment + 1, position: 0, offset: from.offset, stream: 'header', left: 0 }
    }
    let { left, offset, stream } = from
    let at = 0
    while (at < count && offset - from.offset < max) {
      if (left === 0) {
        const header = at + recordBytes <= count ? parseHeader(scratch, at) : undefined
        if (!header?.stream || (runs.length === maxRuns && runs.at(-1)!.stream !== header.stream)) break
        left = header.length
        stream = header.stream
        at += recordBytes
        continue
      }
      const length = Math.min(left, count - at, max - (offset - from.offset))
      const last = runs.at(-1)
      if (last?.stream === stream) last.length += length
      else if (runs.length === maxRuns) break
      else runs.push({ stream, length })
      if (typeof into !== 'number') scratch.copy(into, offset - from.offset, at, at + length)
      at += length
      offset += length
      left -= length
    }
    return { segment: from.segment, position: from.position + at, offset, stream, left }
  }
}

/** Between two bytes of the log, and where that is in the files. */
interface Place {
  /** Index of the file. */
  readonly segment: number
  readonly position: number
  readonly offset: number
  /** Of the record that it is in. */
  readonly stream: Stream
  /** Bytes left of that record. */
  readonly left: number
}

function isSame(a: Place, b: Place): boolean {
  return a.segment === b.segment && a.position === b.position
}

export const segmentBytes = 1_048_576
/** For the time of one read only. */
const scratch = Buffer.allocUnsafeSlow(327_680)
