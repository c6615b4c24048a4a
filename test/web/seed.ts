import { randomUUID } from 'node:crypto'
import zlib from 'node:zlib'
import type { Insertable, Kysely } from 'kysely'
import type { Database } from '../../src/db/schema.ts'
import type { PropertyValue } from '../../src/model/properties.ts'
import type { Result } from '../../src/model/results.ts'
import { codecs, type Codec } from '../../src/protocol/output-frame.ts'
import { streams, type Stream } from '../../src/protocol/runs.ts'

export interface BuildSeed {
  readonly builder?: string
  readonly worker?: string
  /** null: it still runs. */
  readonly result?: Result | null
  readonly properties?: Readonly<Record<string, PropertyValue>>
  readonly branch?: string
  /** The id of the instance it runs on. */
  readonly instance?: string
}

/** A request and its first build, as the master would have stored them. */
export async function seedBuild(
  db: Kysely<Database>,
  seed: BuildSeed = {},
): Promise<{ request: number; build: number }> {
  const { builder = 'unit', worker = 'bot', result = 'SUCCESS', properties = {} } = seed
  const request = await seedRequest(db, { ...seed, builder, state: result ? 'complete' : 'claimed', result })
  const [master] = await db.insertInto('masters').values(masterRow()).returning(['id', 'epoch']).execute()
  const { id: build } = await db
    .insertInto('builds')
    .values({
      request_id: request,
      builder_id: await idOf(db, 'builders', builder),
      worker_id: await idOf(db, 'workers', worker),
      instance_id: seed.instance ?? null,
      attempt: 1,
      slot: request,
      run_id: randomUUID(),
      owner: master!.id,
      epoch: master!.epoch,
      result,
      finished_at: result && new Date('2026-01-01T00:01:00Z'),
      started_at: new Date('2026-01-01T00:00:00Z'),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  for (const [name, value] of Object.entries(properties)) {
    await db
      .insertInto('build_properties')
      .values({ build_id: build, name, value: JSON.stringify(value), source: 'force' })
      .execute()
  }
  return { request, build }
}

/** A row of the ledger; times are ISO 8601. */
export async function seedInstance(
  db: Kysely<Database>,
  { worker = 'dock', ...more }: Partial<Insertable<Database['instances']>> & { worker?: string } = {},
): Promise<string> {
  const id = more.id ?? `rouse-1a2b3c4d-${worker}-${randomUUID().slice(0, 8)}`
  const [master] = await db.insertInto('masters').values(masterRow()).returning(['id', 'epoch']).execute()
  await db
    .insertInto('instances')
    .values({
      worker_id: await idOf(db, 'workers', worker),
      number: 1,
      backend: 'docker here',
      state: 'attached',
      ref: 'c0ffee',
      template: '{}',
      owner: master!.id,
      epoch: master!.epoch,
      deadline: more.state === 'gone' ? null : new Date('2030-01-01T00:00:00Z'),
      ...more,
      id,
    })
    .execute()
  return id
}

export interface RequestSeed {
  readonly builder?: string
  readonly state?: 'pending' | 'claimed' | 'complete'
  readonly result?: Result | null
  readonly branch?: string
}

export async function seedRequest(db: Kysely<Database>, seed: RequestSeed = {}): Promise<number> {
  const { builder = 'unit', state = 'pending', result = null, branch = 'main' } = seed
  const stamp = await db
    .insertInto('source_stamps')
    .values({ repository: randomUUID(), branch, revision: null })
    .returning('id')
    .executeTakeFirstOrThrow()
  const buildset = await db
    .insertInto('buildsets')
    .values({ reason: 'because', origin: 'force', source_stamp_id: stamp.id, properties: '[]' })
    .returning('id')
    .executeTakeFirstOrThrow()
  const request = await db
    .insertInto('requests')
    .values({ buildset_id: buildset.id, builder_id: await idOf(db, 'builders', builder), state, result })
    .returning('id')
    .executeTakeFirstOrThrow()
  return request.id
}

/** A step of the build with one log, still empty. */
export async function seedLog(
  db: Kysely<Database>,
  build: number,
  number = 1,
): Promise<{ step: number; log: number }> {
  const step = await db
    .insertInto('steps')
    .values({ build_id: build, number, name: `step ${number}`, started_at: new Date(0) })
    .returning('id')
    .executeTakeFirstOrThrow()
  const log = await db
    .insertInto('logs')
    .values({ step_id: step.id, name: 'stdio' })
    .returning('id')
    .executeTakeFirstOrThrow()
  return { step: step.id, log: log.id }
}

export interface ChunkSeed {
  readonly codec: Codec
  readonly parts: readonly { stream: Stream; text: Buffer | string }[]
}

/** Appends chunks as agents send them and the master stores them. */
export async function seedChunks(
  db: Kysely<Database>,
  log: number,
  chunks: readonly ChunkSeed[],
): Promise<void> {
  let { bytes: start, lines: first_line } = await db
    .selectFrom('logs')
    .select(['bytes', 'lines'])
    .where('id', '=', log)
    .executeTakeFirstOrThrow()
  const rows = []
  for (const { codec, parts } of chunks) {
    const texts = parts.map(({ text }) => Buffer.from(text as string))
    const raw = Buffer.concat(texts)
    const lines = raw.filter((byte) => byte === 0x0a).length
    const runs = Buffer.alloc(parts.length * 5)
    parts.forEach(({ stream }, i) => {
      runs[i * 5] = streams.indexOf(stream)
      runs.writeUInt32BE(texts[i]!.length, i * 5 + 1)
    })
    rows.push({
      log_id: log,
      start,
      bytes: raw.length,
      first_line,
      lines,
      codec: codecs.indexOf(codec),
      runs,
      body: compress[codec](raw),
    })
    start += raw.length
    first_line += lines
  }
  if (rows.length > 0) await db.insertInto('log_chunks').values(rows).execute()
  await db.updateTable('logs').set({ bytes: start, lines: first_line }).where('id', '=', log).execute()
}

const compress: Record<Codec, (raw: Buffer) => Buffer> = {
  none: (raw) => raw,
  deflate: (raw) => zlib.deflateSync(raw),
  zstd: (raw) => zlib.zstdCompressSync(raw),
}

async function idOf(db: Kysely<Database>, table: 'builders' | 'workers', name: string): Promise<number> {
  if (table === 'builders') {
    await db
      .insertInto('builders')
      .values({ name })
      .onConflict((oc) => oc.doNothing())
      .execute()
  } else {
    await db
      .insertInto('workers')
      .values({ name, kind: 'static' })
      .onConflict((oc) => oc.doNothing())
      .execute()
  }
  const row = await db.selectFrom(table).select('id').where('name', '=', name).executeTakeFirstOrThrow()
  return row.id
}

function masterRow() {
  return { id: randomUUID(), host: 'here', pid: 1, version: '0.1.0', lease_until: new Date() }
}
