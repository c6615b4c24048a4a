import { open } from 'node:fs/promises'
import type { Kysely } from 'kysely'
import { readPieces } from '../../builds/log-pieces.ts'
import type { Database } from '../../db/schema.ts'
import { lastLines } from '../plain-text.ts'

/** The last lines of a log, as text without escape sequences. */
export async function logTail(db: Kysely<Database>, log: number, lines: number): Promise<string> {
  const bytes = await lengthOf(db, log)
  if (!bytes) return ''
  const from = Math.max(0, bytes - maxTail)
  const raw = await read(db, log, from, bytes)
  const lineBreak = from > 0 ? raw.indexOf(newline) : -1
  // What came before the first line break is a part of a line; a log that is one long line shows its end.
  const whole = lineBreak === -1 || lineBreak === raw.length - 1 ? raw : raw.subarray(lineBreak + 1)
  const text = lastLines(whole.toString('utf8'), lines)
  return Buffer.byteLength(text) > maxTail ? Buffer.from(text).subarray(-maxTail).toString('utf8') : text
}

/** A whole log; undefined when it is longer than `limit` or not there. */
export async function logBytes(
  db: Kysely<Database>,
  log: number,
  limit: number,
): Promise<Buffer | undefined> {
  const bytes = await lengthOf(db, log)
  if (bytes === undefined || bytes > limit) return undefined
  return read(db, log, 0, bytes)
}

export interface ArtifactFiles {
  readonly db: Kysely<Database>
  readonly artifactPath: (path: string) => string
}

/** A whole artifact; undefined when it is longer than `limit`, or its file is not what was stored. */
export async function artifactBytes(
  { artifactPath, db }: ArtifactFiles,
  artifact: number,
  limit: number,
): Promise<Buffer | undefined> {
  const row = await db
    .selectFrom('artifacts')
    .select(['path', 'size'])
    .where('id', '=', artifact)
    .executeTakeFirst()
  if (!row || row.size > limit) return undefined
  try {
    await using file = await open(artifactPath(row.path), 'r')
    if ((await file.stat()).size !== row.size) return undefined
    const bytes = await file.readFile()
    return bytes.length === row.size ? bytes : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function lengthOf(db: Kysely<Database>, log: number): Promise<number | undefined> {
  const row = await db.selectFrom('logs').select('bytes').where('id', '=', log).executeTakeFirst()
  return row?.bytes
}

async function read(db: Kysely<Database>, log: number, from: number, to: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const { raw } of readPieces(db, log, from, to)) parts.push(raw)
  return Buffer.concat(parts)
}

const maxTail = 65_536
const newline = 0x0a
