import zlib from 'node:zlib'
import type { FromMaster } from '../../src/protocol/messages.ts'
import type { OutputFrame } from '../../src/protocol/output-frame.ts'
import type { Stream } from '../../src/protocol/runs.ts'

/** One log of a command, as a master that commits to its memory only. */
export class WireLog {
  readonly frames: OutputFrame[] = []
  /** What the master would have committed. */
  acked = 0
  readonly #ack: (offset: number) => void
  readonly #parts: { stream: Stream; bytes: Buffer }[] = []
  #length = 0

  constructor(send: (message: FromMaster) => void, command: string, log: number) {
    this.#ack = (offset) => send({ type: 'ack', command, log, offset })
  }

  get length(): number {
    return this.#length
  }

  /** The bytes of some streams, joined; by default what the command itself wrote. */
  bytes(...streams: Stream[]): Buffer {
    const wanted = streams.length > 0 ? streams : ['stdout', 'stderr']
    return Buffer.concat(
      this.#parts.filter(({ stream }) => wanted.includes(stream)).map(({ bytes }) => bytes),
    )
  }

  text(...streams: Stream[]): string {
    return this.bytes(...streams).toString()
  }

  /** Each run of output with its stream, neighbours joined. */
  runs(): [Stream, string][] {
    const runs: [Stream, string][] = []
    for (const { stream, bytes } of this.#parts) {
      if (runs.at(-1)?.[0] === stream) runs.at(-1)![1] += bytes.toString('latin1')
      else runs.push([stream, bytes.toString('latin1')])
    }
    return runs
  }

  /** Takes a frame as a careful master does: exactly where the last one ended, and exactly what its header says. */
  add(frame: OutputFrame): void {
    if (frame.offset !== this.#length) throw new Error(`frame at ${frame.offset}, expected ${this.#length}`)
    const raw = decodeBody(frame)
    const lines = raw.toString('latin1').split('\n').length - 1
    if (raw.length !== frame.rawLength || lines !== frame.lines)
      throw new Error('the frame is not what it says')
    this.frames.push(frame)
    for (let at = 0, i = 0; i < frame.runs.length; at += frame.runs[i]!.length, i++) {
      const { length, stream } = frame.runs[i]!
      this.#parts.push({ stream, bytes: raw.subarray(at, at + length) })
    }
    this.#length += raw.length
  }

  ack(offset = this.#length): void {
    this.acked = offset
    this.#ack(offset)
  }

  /** Loses what was not acknowledged, as a master does that is killed before it commits. */
  forgetUnacked(): void {
    let left = this.acked
    const kept = this.#parts.map(({ stream, bytes }) => {
      const part = bytes.subarray(0, left)
      left -= part.length
      return { stream, bytes: part }
    })
    this.#parts.splice(0, Infinity, ...kept.filter(({ bytes }) => bytes.length > 0))
    this.#length = this.acked
  }
}

function decodeBody({ body, codec }: OutputFrame): Buffer {
  if (codec === 'none') return body
  return codec === 'zstd' ? zlib.zstdDecompressSync(body) : zlib.inflateSync(body)
}
