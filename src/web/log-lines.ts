import type { Stream } from '../protocol/runs.ts'
import type { ApiLogLines } from './api.ts'
import { lineEnd, newline, type LogPiece } from '../builds/log-pieces.ts'

export interface LineOptions {
  /** Number of the first line of the pieces. */
  readonly firstLine: number
  /** Lines that the log has in all, counted by their ends. */
  readonly totalLines: number
  /** Show only these; the others keep their numbers. */
  readonly streams?: readonly Stream[] | undefined
}

/** Raw bytes that one answer looks at, so that a line without end cannot hold it up. */
const maxBytes = 4 * 1_048_576
/** Bytes of a line that are shown. */
const maxLineBytes = 16_384

/**
 * Lines with their streams. A line that several streams wrote comes as several parts of one number. Stops early after
 * some megabytes: `nextLine` tells where to go on. It is the last line itself while that has no end yet.
 */
export async function readLines(
  pieces: AsyncIterable<LogPiece>,
  { firstLine, totalLines, streams }: LineOptions,
): Promise<Pick<ApiLogLines, 'firstLine' | 'lines' | 'nextLine'>> {
  const lines: ApiLogLines['lines'] = []
  let number = firstLine
  let parts: LinePart[] = []
  let seen = 0

  const endLine = () => {
    const shown = streams ? parts.filter((part) => streams.includes(part.stream)) : parts
    for (const part of shown) lines.push({ number, stream: part.stream, text: textOfPart(part) })
    parts = []
  }
  for await (const { raw, runs } of pieces) {
    let at = 0
    for (const { stream, length } of runs) {
      const run = raw.subarray(at, at + length)
      for (let from = 0; from < length;) {
        const end = lineEnd(run, from)
        const complete = run[end - 1] === newline
        add(parts, stream, run.subarray(from, complete ? end - 1 : end))
        if (complete) {
          endLine()
          number++
        }
        from = end
      }
      at += length
    }
    seen += raw.length
    if (seen >= maxBytes) break
  }
  const unfinished = parts.length > 0
  endLine()
  // A line too long to look at its end is passed over, unless it is the log's last.
  return { firstLine, lines, nextLine: unfinished && number < totalLines ? number + 1 : number }
}

interface LinePart {
  readonly stream: Stream
  readonly texts: Buffer[]
  bytes: number
  cut: number
}

function add(parts: LinePart[], stream: Stream, bytes: Buffer): void {
  let part = parts.at(-1)
  if (part?.stream !== stream) {
    // A line's end that came by another stream than its text shows nothing.
    if (part && bytes.length === 0) return
    part = { stream, texts: [], bytes: 0, cut: 0 }
    parts.push(part)
  }
  const kept = bytes.subarray(0, maxLineBytes - part.bytes)
  part.texts.push(kept)
  part.bytes += kept.length
  part.cut += bytes.length - kept.length
}

function textOfPart({ texts, cut }: LinePart): string {
  const text = Buffer.concat(texts).toString('utf8')
  return cut > 0 ? `${text} [${cut} more bytes]` : text
}
