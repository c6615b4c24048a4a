import type { Kysely } from 'kysely'
import { Patience } from '../db/patience.ts'
import type { Database } from '../db/schema.ts'
import { codecs } from '../protocol/output-frame.ts'
import { decodeRuns, type Stream } from '../protocol/runs.ts'
import { decodeBody, partOf } from './decode-body.ts'

/**
 * How many lines of stored logs match, on stdout and stderr each by itself. Reads a few chunks at a time and keeps one line
 * per stream, of which it looks at the first 4096 bytes: memory is bounded, whatever a command printed.
 */
export async function countLines(
  db: Kysely<Database>,
  logIds: readonly number[],
  pattern: PatternParts,
  signal: AbortSignal,
): Promise<number> {
  const matcher = new RegExp(pattern.source, pattern.flags)
  let count = 0
  for (const logId of logIds) {
    const counters = counted.map((stream) => ({ stream, lines: new LineCounter(matcher) }))
    for await (const { body, codec, runs } of chunksOf(db, logId)) {
      signal.throwIfAborted()
      const raw = await decodeBody(codecs[codec]!, body)
      for (const { lines, stream } of counters) lines.add(partOf(stream, decodeRuns(runs), raw))
    }
    for (const { lines } of counters) count += lines.end()
  }
  return count
}

/** Counts matching lines in bytes that come in pieces, whatever their borders. The last line needs no end. */
export class LineCounter {
  readonly #pattern: RegExp
  #line: Buffer[] = []
  #length = 0
  #count = 0

  /** `pattern` must have neither of the flags g and y. */
  constructor(pattern: RegExp) {
    this.#pattern = pattern
  }

  add(bytes: Buffer): void {
    let at = 0
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, at)) {
      this.#keep(bytes.subarray(at, end))
      this.#finishLine()
      at = end + 1
    }
    this.#keep(bytes.subarray(at))
  }

  /** The count of it all. */
  end(): number {
    if (this.#length > 0) this.#finishLine()
    return this.#count
  }

  #keep(part: Buffer): void {
    const kept = part.subarray(0, maxLine - this.#length)
    if (kept.length > 0) this.#line.push(kept)
    this.#length += kept.length
  }

  #finishLine(): void {
    const line = this.#line.length === 1 ? this.#line[0]! : Buffer.concat(this.#line)
    this.#line = []
    this.#length = 0
    if (this.#pattern.test(line.toString().replace(/\r$/, ''))) this.#count++
  }
}

async function* chunksOf(db: Kysely<Database>, logId: number) {
  const patience = new Patience()
  for (let from = 0; ;) {
    const query = db
      .selectFrom('log_chunks')
      .select(['start', 'codec', 'runs', 'body'])
      .where('log_id', '=', logId)
      .where('start', '>=', from)
      .orderBy('start')
      .limit(batchSize)
    const batch = await patience.insist(() => query.execute())
    yield* batch
    if (batch.length < batchSize) return
    from = batch.at(-1)!.start + 1
  }
}

export interface PatternParts {
  readonly source: string
  readonly flags: string
}

/** An expression as plain data. Without g and y, with which it would remember where its last match was. */
export function patternParts(pattern: RegExp | string): PatternParts {
  const { flags, source } = new RegExp(pattern)
  return { source, flags: flags.replace(/[gy]/g, '') }
}

const counted: readonly Stream[] = ['stdout', 'stderr']
/** At most 4 MiB of raw text at once. */
const batchSize = 16
const maxLine = 4096
const newline = 10
