import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'

/** Chunks in a batch: at most 4 MiB of raw text at once in memory. */
const batchSize = 16

/** The chunks that hold the bytes from `from` to `to`, in order, a few at a time. */
export async function* chunksOf(db: Kysely<Database>, logId: number, from: number, to: number) {
  for (let start = await startOfChunkAt(db, logId, from); start < to;) {
    const batch = await db
      .selectFrom('log_chunks')
      .select(['start', 'bytes', 'lines', 'codec', 'runs', 'body'])
      .where('log_id', '=', logId)
      .where('start', '>=', start)
      .where('start', '<', to)
      .orderBy('start')
      .limit(batchSize)
      .execute()
    yield* batch
    if (batch.length < batchSize) return
    start = batch.at(-1)!.start + 1
  }
}

/** Where line `number` (0 is the first) is to be looked for: a byte offset, and how many lines to skip from there. */
export async function seekLine(db: Kysely<Database>, logId: number, number: number) {
  if (number === 0) return { offset: 0, skip: 0 }
  // Line n begins behind the n-th newline, which is in the last chunk that has fewer than n before it.
  const chunk = await db
    .selectFrom('log_chunks')
    .select(['start', 'first_line'])
    .where('log_id', '=', logId)
    .where('first_line', '<', number)
    .orderBy('first_line', 'desc')
    .orderBy('start', 'desc')
    .limit(1)
    .executeTakeFirst()
  return chunk ? { offset: chunk.start, skip: number - chunk.first_line } : { offset: 0, skip: number }
}

async function startOfChunkAt(db: Kysely<Database>, logId: number, offset: number): Promise<number> {
  const chunk = await db
    .selectFrom('log_chunks')
    .select('start')
    .where('log_id', '=', logId)
    .where('start', '<=', offset)
    .orderBy('start', 'desc')
    .limit(1)
    .executeTakeFirst()
  return chunk?.start ?? 0
}
