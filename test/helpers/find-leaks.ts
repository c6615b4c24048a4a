import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { decodeBody } from '../../src/builds/decode-body.ts'
import { clientConfig } from '../../src/db/database-address.ts'
import { socketFolder } from '../../src/db/embedded/socket-folder.ts'
import { codecs } from '../../src/protocol/output-frame.ts'
import type { MasterProcess } from './master-process.ts'

/**
 * Everywhere that any of these values stands, as it is, in base64, URL encoding or hexadecimal: the master's log, all tables,
 * the data folder with the database's own files, and the given folders.
 */
export async function findLeaks(
  master: MasterProcess,
  folders: readonly string[],
  values: readonly string[],
): Promise<string[]> {
  const forms = values.flatMap(formsOf)
  const leaks: string[] = []
  const look = (where: string, content: string) => {
    if (forms.some((form) => content.includes(form))) leaks.push(where)
  }
  look("the master's log", master.output)
  for (const [table, text] of await dump(master)) look(`table ${table}`, text)
  for (const folder of [join(master.dir, 'rouse-data'), ...folders])
    for (const file of await filesOf(folder)) look(file, await readFile(file, 'latin1').catch(() => ''))
  return leaks
}

/** A value as latin1 reads it, in the notations that are looked for. */
export function formsOf(value: string): string[] {
  const bytes = Buffer.from(value)
  const base64 = [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .slice(before === 0 ? 0 : before + 1, Math.floor(((before + bytes.length) * 8) / 6))
      .replaceAll('=', ''),
  )
  const forms = [value, ...base64, encodeURIComponent(value), bytes.toString('hex')]
  return forms.map((form) => Buffer.from(form).toString('latin1'))
}

/** All rows of all tables as text, the bodies of logs unpacked. */
async function dump({ dir }: MasterProcess): Promise<[string, string][]> {
  const host = socketFolder(join(dir, 'rouse-data/postgres'))
  const client = new pg.Client(clientConfig({ host, user: 'rouse', database: 'rouse' }))
  await client.connect()
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    )
    if (tables.length === 0) throw new Error('there are no tables')
    const dumped: [string, string][] = []
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t`)
      dumped.push([name, Buffer.from(rows.map(({ row }) => row).join('\n')).toString('latin1')])
    }
    const { rows: chunks } = await client.query<{ log_id: number; codec: number; body: Buffer }>(
      'select log_id, codec, body from log_chunks order by log_id, start',
    )
    const logs = new Map<number, string>()
    for (const { body, codec, log_id } of chunks) {
      const raw = await decodeBody(codecs[codec]!, body)
      logs.set(log_id, (logs.get(log_id) ?? '') + raw.toString('latin1'))
    }
    for (const [id, text] of logs) dumped.push([`log_chunks of log ${id}`, text])
    return dumped
  } finally {
    await client.end()
  }
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}
