import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import { codecs } from '../protocol/output-frame.ts'
import { decodeRuns } from '../protocol/runs.ts'
import { decodeBody, partOf } from './decode-body.ts'

/** The last `limit` bytes that a command wrote to stdout, from the stored chunks of its log between two offsets. */
export async function readStdout(
  db: Kysely<Database>,
  logId: number,
  { from, to, limit }: { from: number; to: number; limit: number },
): Promise<string> {
  const parts: Buffer[] = []
  let found = 0
  let before = to
  // Backwards, so that a long log is not read to its beginning.
  while (found < limit && before > from) {
    const chunk = await db
      .selectFrom('log_chunks')
      .select(['start', 'codec', 'runs', 'body'])
      .where('log_id', '=', logId)
      .where('start', '>=', from)
      .where('start', '<', before)
      .orderBy('start', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (!chunk) break
    const part = partOf('stdout', decodeRuns(chunk.runs), await decodeBody(codecs[chunk.codec]!, chunk.body))
    parts.unshift(part)
    found += part.length
    before = chunk.start
  }
  const all = Buffer.concat(parts)
  return all.subarray(Math.max(0, all.length - limit)).toString()
}
