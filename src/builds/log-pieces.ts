import type { Kysely } from 'kysely'
import { decodeBody } from './decode-body.ts'
import type { Database } from '../db/schema.ts'
import { codecs, maxRawBytes } from '../protocol/output-frame.ts'
import { streams, type Run, type Stream } from '../protocol/runs.ts'
import { chunksOf } from './log-chunks.ts'

/** Consecutive bytes of a log; the runs tell which of them are stdout, stderr and header. */
export interface LogPiece {
  readonly raw: Buffer
  readonly runs: readonly Run[]
}

/**
 * The log's bytes from `from` to `to`, chunk by chunk, so that a log of any size takes the memory of a few. What is
 * missing or damaged is replaced by a notice of the same length: one bad chunk does not hide the rest, and offsets hold.
 */
export async function* readPieces(
  db: Kysely<Database>,
  logId: number,
  from: number,
  to: number,
): AsyncGenerator<LogPiece> {
  let at = from
  for await (const chunk of chunksOf(db, logId, from, to)) {
    const end = Math.min(to, chunk.start + chunk.bytes)
    if (chunk.start > at) yield* damaged(chunk.start - at, 0)
    at = Math.max(at, chunk.start)
    if (end <= at) continue
    yield slicePiece(await decodeChunk(chunk), at - chunk.start, end - chunk.start)
    at = end
  }
  if (at < to) yield* damaged(to - at, 0)
}

/** Skips `skip` lines, then gives the next `count`. */
export async function* takeLines(
  pieces: AsyncIterable<LogPiece>,
  skip: number,
  count: number,
): AsyncGenerator<LogPiece> {
  for await (const piece of pieces) {
    const { raw } = piece
    let at = 0
    while (skip > 0 && at < raw.length) {
      at = lineEnd(raw, at)
      if (raw[at - 1] === newline) skip--
    }
    const from = at
    while (count > 0 && at < raw.length) {
      at = lineEnd(raw, at)
      if (raw[at - 1] === newline) count--
    }
    if (at > from) yield slicePiece(piece, from, at)
    if (count === 0) return
  }
}

/** The piece's bytes that came by one of these streams; all of them when none are named. */
export function textOf({ raw, runs }: LogPiece, wanted: readonly Stream[] | undefined): Buffer {
  if (wanted === undefined) return raw
  const parts: Buffer[] = []
  let at = 0
  for (const run of runs) {
    if (wanted.includes(run.stream)) parts.push(raw.subarray(at, at + run.length))
    at += run.length
  }
  return Buffer.concat(parts)
}

/** Index behind the newline that ends the line at `at`, or the end of the bytes. */
export function lineEnd(raw: Buffer, at: number): number {
  const end = raw.indexOf(newline, at)
  return end === -1 ? raw.length : end + 1
}

export const newline = 0x0a

interface StoredChunk {
  readonly bytes: number
  readonly lines: number
  readonly codec: number
  readonly runs: Buffer
  readonly body: Buffer
}

async function decodeChunk({ bytes, lines, codec, runs, body }: StoredChunk): Promise<LogPiece> {
  try {
    const raw = await decodeBody(codecs[codec]!, body)
    if (raw.length === bytes) return { raw, runs: decodeRuns(runs, bytes) }
  } catch {
    // What an agent has compressed wrongly is told in its place.
  }
  const [piece] = damaged(bytes, lines)
  return piece!
}

// Bounded pieces, because a gap may be of any length; the newlines keep the numbers of the lines behind it right.
function* damaged(length: number, lines: number): Generator<LogPiece> {
  for (let left = length; left > 0; left -= maxRawBytes) {
    const raw = Buffer.alloc(Math.min(left, maxRawBytes), ' ')
    raw.write('[a part of this log is damaged]')
    raw.fill('\n', Math.max(0, raw.length - lines))
    yield { raw, runs: [{ stream: 'header', length: raw.length }] }
  }
}

/** Five bytes a run: stream, then raw length. What is wrong with them is shown as stdout. */
function decodeRuns(bytes: Buffer, length: number): Run[] {
  const runs: Run[] = []
  let at = 0
  for (let i = 0; i + 5 <= bytes.length && at < length; i += 5) {
    const run = {
      stream: streams[bytes[i]!] ?? 'stdout',
      length: Math.min(bytes.readUInt32BE(i + 1), length - at),
    }
    runs.push(run)
    at += run.length
  }
  if (at < length) runs.push({ stream: 'stdout', length: length - at })
  return runs
}

function slicePiece(piece: LogPiece, from: number, to: number): LogPiece {
  if (from === 0 && to === piece.raw.length) return piece
  const runs: Run[] = []
  let at = 0
  for (const { stream, length } of piece.runs) {
    const part = Math.min(at + length, to) - Math.max(at, from)
    if (part > 0) runs.push({ stream, length: part })
    at += length
  }
  return { raw: piece.raw.subarray(from, to), runs }
}
