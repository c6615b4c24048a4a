import { randomUUID } from 'node:crypto'
import type { Insertable, Kysely } from 'kysely'
import type { Database } from '../../src/db/schema.ts'
import type { Property } from '../../src/model/properties.ts'
import type { Result } from '../../src/model/results.ts'
import { seedChunks } from '../web/seed.ts'

export interface BuildsetStory {
  readonly reason?: string
  readonly repository?: string
  readonly branch?: string | null
  readonly revision?: string | null
  readonly result?: Result | null
  readonly properties?: readonly Property[]
  readonly changes?: readonly Partial<Insertable<Database['changes']>>[]
}

/** A buildset as the master would have stored it; its requests are told by `tellRequest`. */
export async function tellBuildset(db: Kysely<Database>, story: BuildsetStory = {}): Promise<number> {
  const { repository = 'https://git.acme.example/app.git', branch = 'main', revision = null } = story
  const { id: stamp } = await db
    .insertInto('source_stamps')
    .values({ repository, branch, revision })
    .onConflict((oc) => oc.columns(['repository', 'branch', 'revision']).doUpdateSet({ repository }))
    .returning('id')
    .executeTakeFirstOrThrow()
  const { id } = await db
    .insertInto('buildsets')
    .values({
      reason: story.reason ?? 'a change was pushed',
      origin: 'scheduler',
      scheduler: 'all',
      source_stamp_id: stamp,
      properties: JSON.stringify(story.properties ?? []),
      result: story.result ?? null,
      submitted_at: new Date('2026-11-21T01:00:00Z'),
      completed_at: story.result ? new Date('2026-11-21T01:04:10Z') : null,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  for (const change of story.changes ?? []) {
    const { id: changeId } = await db
      .insertInto('changes')
      .values({ repository, branch, revision: randomUUID(), happened_at: new Date(0), ...change })
      .returning('id')
      .executeTakeFirstOrThrow()
    await db.insertInto('source_stamp_changes').values({ buildset_id: id, change_id: changeId }).execute()
  }
  return id
}

export interface RequestStory extends Partial<Omit<Insertable<Database['requests']>, 'result'>> {
  readonly builder?: string
  readonly result?: Result | null
}

export async function tellRequest(
  db: Kysely<Database>,
  buildset: number,
  { builder = 'unit', result = 'FAILURE', ...more }: RequestStory = {},
): Promise<number> {
  await db
    .insertInto('builders')
    .values({ name: builder })
    .onConflict((oc) => oc.doNothing())
    .execute()
  const { id } = await db
    .insertInto('requests')
    .values({
      buildset_id: buildset,
      builder_id: await idOf(db, 'builders', builder),
      state: result === null ? 'pending' : 'complete',
      result,
      submitted_at: new Date('2026-11-21T01:00:00Z'),
      completed_at: result && new Date('2026-11-21T01:04:10Z'),
      ...more,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

export interface BuildStory extends Partial<Omit<Insertable<Database['builds']>, 'result'>> {
  readonly worker?: string
  readonly result?: Result | null
}

export async function tellBuild(
  db: Kysely<Database>,
  request: number,
  { result = 'FAILURE', worker = 'bot-solaris', ...more }: BuildStory = {},
): Promise<number> {
  await db
    .insertInto('workers')
    .values({ name: worker, kind: 'static' })
    .onConflict((oc) => oc.doNothing())
    .execute()
  const { builder_id } = await db
    .selectFrom('requests')
    .select('builder_id')
    .where('id', '=', request)
    .executeTakeFirstOrThrow()
  const { epoch, id: owner } = await db
    .insertInto('masters')
    .values({ id: randomUUID(), host: 'here', pid: 1, version: '0.1.0', lease_until: new Date() })
    .returning(['id', 'epoch'])
    .executeTakeFirstOrThrow()
  const { id } = await db
    .insertInto('builds')
    .values({
      request_id: request,
      builder_id,
      worker_id: await idOf(db, 'workers', worker),
      attempt: 1,
      slot: request,
      run_id: randomUUID(),
      owner,
      epoch,
      result,
      started_at: new Date('2026-11-21T01:01:00Z'),
      finished_at: result && new Date('2026-11-21T01:04:10Z'),
      ...more,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** A step of the build, with a log of this text where there is one. */
export async function tellStep(
  db: Kysely<Database>,
  build: number,
  step: { number: number; name: string; result: Result; summary?: string; log?: string; logName?: string },
): Promise<{ step: number; log: number | undefined }> {
  const { log, logName = 'stdio', ...row } = step
  const { id } = await db
    .insertInto('steps')
    .values({ build_id: build, started_at: new Date(0), finished_at: new Date(1000), ...row })
    .returning('id')
    .executeTakeFirstOrThrow()
  if (log === undefined) return { step: id, log: undefined }
  const { id: logId } = await db
    .insertInto('logs')
    .values({ step_id: id, name: logName })
    .returning('id')
    .executeTakeFirstOrThrow()
  const parts = log.match(/[^]{1,100000}/g) ?? []
  await seedChunks(
    db,
    logId,
    parts.map((text) => ({ codec: 'zstd', parts: [{ stream: 'stdout', text }] })),
  )
  return { step: id, log: logId }
}

async function idOf(db: Kysely<Database>, table: 'builders' | 'workers', name: string): Promise<number> {
  const row = await db.selectFrom(table).select('id').where('name', '=', name).executeTakeFirstOrThrow()
  return row.id
}
