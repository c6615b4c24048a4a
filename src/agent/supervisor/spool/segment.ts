import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
  writevSync,
} from 'node:fs'
import { streams, type Stream } from '../../../protocol/runs.ts'
import { removeFile } from '../remove-file.ts'
import type { SpoolUsage } from './spool-usage.ts'

/**
 * A file with a piece of a log: records of a stream (1 header, 2 stdout, 3 stderr; 0 is what a lost page reads as), the
 * length as u32, and the bytes. What cannot be written, because the disk is full, stays in memory behind the file until it can.
 */
export class Segment {
  /** Offset of its first byte. */
  readonly start: number
  /** Bytes of the log in it. */
  raw = 0
  /** Bytes of all its records. */
  size = 0
  #path: string
  readonly #usage: SpoolUsage
  #fd: number | undefined
  #onDisk = 0
  #inMemory: Buffer[] = []

  constructor(path: string, start: number, usage: SpoolUsage) {
    this.#path = path
    this.start = start
    this.#usage = usage
  }

  /** Reads the file of a dead process; cuts off what it did not write to the end. */
  static recover(path: string, start: number, usage: SpoolUsage): Segment {
    const segment = new Segment(path, start, usage)
    segment.#recover()
    return segment
  }

  get end(): number {
    return this.start + this.raw
  }

  /** Part of it is not on disk. */
  get waiting(): boolean {
    return this.#inMemory.length > 0
  }

  append(stream: Stream, bytes: Buffer): void {
    if (!this.waiting && this.tryAppend(stream, bytes)) return
    this.#inMemory.push(recordHeader(stream, bytes.length), Buffer.from(bytes))
    this.#count(bytes.length)
  }

  /** False, and nothing done, when it cannot be written. */
  tryAppend(stream: Stream, bytes: Buffer): boolean {
    if (!this.#write([recordHeader(stream, bytes.length), bytes])) return false
    this.#count(bytes.length)
    return true
  }

  /** Tries again to write what is not on disk. */
  flush(): boolean {
    if (this.waiting && this.#write(this.#inMemory)) this.#inMemory = []
    return !this.waiting
  }

  /** Reads records from a position among its bytes on. Returns how many bytes it read; 0 at the end. */
  read(into: Buffer, position: number): number {
    if (position >= this.#onDisk) return Buffer.concat(this.#inMemory).copy(into, 0, position - this.#onDisk)
    const fd = this.#fd ?? openSync(this.#path, 'r')
    try {
      return readSync(fd, into, 0, Math.min(into.length, this.#onDisk - position), position)
    } finally {
      if (fd !== this.#fd) closeSync(fd)
    }
  }

  /** Moves it into its place in the log. */
  moveTo(path: string, start: number): Segment {
    this.seal()
    renameSync(this.#path, path)
    const moved = new Segment(path, start, this.#usage)
    moved.raw = this.raw
    moved.size = this.size
    moved.#onDisk = this.#onDisk
    return moved
  }

  /** Nothing is appended for now. */
  seal(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  remove(): void {
    this.seal()
    this.#usage.remove(this.#onDisk)
    this.#onDisk = 0
    this.#inMemory = []
    removeFile(this.#path)
  }

  #count(length: number): void {
    this.raw += length
    this.size += recordBytes + length
  }

  // All or nothing: what was written of it is cut off again.
  #write(parts: Buffer[]): boolean {
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    try {
      this.#fd ??= openSync(this.#path, 'a+', 0o600)
      let written = writevSync(this.#fd, parts)
      const rest = written < length ? Buffer.concat(parts) : undefined
      while (rest && written < length) written += writeSync(this.#fd, rest, written)
    } catch {
      this.#cutOff()
      return false
    }
    this.#onDisk += length
    this.#usage.add(length)
    return true
  }

  #cutOff(): void {
    if (this.#fd === undefined) return
    try {
      ftruncateSync(this.#fd, this.#onDisk)
    } catch {
      // A device that is no file: opening it again shows.
    }
    this.seal()
  }

  #recover(): void {
    const fd = openSync(this.#path, 'r+')
    try {
      const fileSize = fstatSync(fd).size
      const header = Buffer.alloc(recordBytes)
      while (this.size + recordBytes < fileSize) {
        readSync(fd, header, 0, recordBytes, this.size)
        const { length, stream } = parseHeader(header)
        if (stream === undefined || length === 0) break
        const whole = Math.min(length, fileSize - this.size - recordBytes)
        if (whole < length) writeSync(fd, recordHeader(stream, whole), 0, recordBytes, this.size)
        this.#count(whole)
      }
      ftruncateSync(fd, this.size)
      this.#onDisk = this.size
      this.#usage.add(this.size)
    } finally {
      closeSync(fd)
    }
  }
}

export const recordBytes = 5

/** The stream is undefined when there is none of that number. */
export function parseHeader(bytes: Buffer, at = 0): { stream: Stream | undefined; length: number } {
  return { stream: streams[bytes[at]! - 1], length: bytes.readUInt32BE(at + 1) }
}

function recordHeader(stream: Stream, length: number): Buffer {
  const header = Buffer.alloc(recordBytes)
  header[0] = streams.indexOf(stream) + 1
  header.writeUInt32BE(length, 1)
  return header
}
