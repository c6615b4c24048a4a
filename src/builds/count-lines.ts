import type { Kysely } from 'kysely'
import { Patience } from '../db/patience.ts'
import type { Database } from '../db/schema.ts'
import { codecs } from '../protocol/output-frame.ts'
import { decodeRuns, type Stream } from '../protocol/runs.ts'
import type { Clock } from '../util/clock.ts'
import { decodeBody, partOf } from './decode-body.ts'
import type { PatternParts } from './line-counter.ts'
import { LineThread } from './line-thread.ts'

/**
 * How many lines of stored logs match, on stdout and stderr each by itself. Reads a few chunks at a time and keeps one line
 * per stream, of which it looks at the first 4096 bytes: memory is bounded, whatever a command printed. Throws an Error when
 * the expression takes too long.
 */
export async function countLines(
  logIds: readonly number[],
  pattern: PatternParts,
  { clock, db, signal }: { clock: Clock; db: Kysely<Database>; signal: AbortSignal },
): Promise<number> {
  return await inTurn(async () => {
    const thread = new LineThread(pattern, { streams: counted.length, clock, signal })
    try {
      let count = 0
      for (const logId of logIds) {
        for await (const { body, codec, runs } of chunksOf(db, logId)) {
          const raw = await decodeBody(codecs[codec]!, body)
          await thread.add(counted.map((stream) => partOf(stream, decodeRuns(runs), raw)))
        }
        count += await thread.end()
      }
      return count
    } finally {
      await thread.close()
    }
  })
}

let running = 0
const waiting: (() => void)[] = []

/** Hundreds of builds may end at once. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running < mostThreads) running++
  else await new Promise<void>((resolve) => waiting.push(resolve))
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running--
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

const counted: readonly Stream[] = ['stdout', 'stderr']
/** At most 4 MiB of raw text at once. */
const batchSize = 16
/** Each has a heap of its own. */
const mostThreads = 4
