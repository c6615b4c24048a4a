import { sql, type Kysely, type Selectable, type Transaction } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { Result } from '../../model/results.ts'
import type { ImageSpec } from './image-spec.ts'

type Db = Kysely<Database>
type Trx = Transaction<Database>
export type ImageRow = Selectable<Database['images']>
export type ImageNameRow = Selectable<Database['image_names']>

export async function loadNames(db: Db): Promise<ImageNameRow[]> {
  return await db.selectFrom('image_names').selectAll().execute()
}

/** All but those that were removed. */
export async function loadImages(db: Db): Promise<ImageRow[]> {
  return await db.selectFrom('images').selectAll().where('state', '<>', 'removed').execute()
}

/** That the config's inputs come to this; it is to be built where it is not there. What has failed is not tried again by itself. */
export async function storeWanted(trx: Trx, { backend, from, name }: ImageSpec, hash: string): Promise<void> {
  await trx
    .insertInto('image_names')
    .values({ name, wanted: hash })
    .onConflict((oc) => oc.column('name').doUpdateSet({ wanted: hash }))
    .execute()
  await trx
    .insertInto('images')
    .values({ name, hash, backend, base: from, state: 'building' })
    .onConflict((oc) => oc.columns(['name', 'hash']).doNothing())
    .execute()
  await storeAgain(trx, { name, hash }, ['removed'])
}

/** One in one of these states is built anew. False when it is in another. */
export async function storeAgain(
  trx: Trx,
  { hash, name }: Pick<ImageRow, 'hash' | 'name'>,
  states: readonly ImageRow['state'][],
): Promise<boolean> {
  const again = await trx
    .updateTable('images')
    .set((eb) => ({
      state: 'building' as const,
      attempt: eb('attempt', '+', 1),
      ...nothing,
      changed_at: sql<Date>`now()`,
    }))
    .where('name', '=', name)
    .where('hash', '=', hash)
    .where('state', 'in', states)
    .returning('hash')
    .executeTakeFirst()
  return again !== undefined
}

const nothing = {
  request_id: null,
  build_id: null,
  instance_id: null,
  ref: null,
  error: null,
  retired_at: null,
}

export async function storeRequest(
  db: Db,
  { attempt, hash, name }: ImageRow,
  request: number,
): Promise<void> {
  await db
    .updateTable('images')
    .set({ request_id: request })
    .where('name', '=', name)
    .where('hash', '=', hash)
    .where('attempt', '=', attempt)
    .where('request_id', 'is', null)
    .execute()
}

/** Its build has done all its steps: the disk of its instance is to be kept. False when it is not being built. */
export async function storeProvisioned(
  trx: Trx,
  { hash, name }: Pick<ImageRow, 'hash' | 'name'>,
  build: number,
): Promise<boolean> {
  const stored = await trx
    .updateTable('images')
    .set(({ selectFrom }) => ({
      state: 'storing' as const,
      build_id: build,
      instance_id: selectFrom('builds').select('instance_id').where('id', '=', build),
      changed_at: sql<Date>`now()`,
    }))
    .where('name', '=', name)
    .where('hash', '=', hash)
    .where('state', 'in', ['building', 'storing'])
    .returning('hash')
    .executeTakeFirst()
  return stored !== undefined
}

/** The image that the disk of this instance is to be kept as. */
export async function imageOf(db: Db, instance: string): Promise<ImageRow | undefined> {
  return await db
    .selectFrom('images')
    .selectAll()
    .where('instance_id', '=', instance)
    .where('state', '=', 'storing')
    .executeTakeFirst()
}

export async function storeKept(trx: Trx, instance: string, ref: string): Promise<void> {
  await trx
    .updateTable('images')
    .set({ state: 'ready', ref, error: null, ready_at: sql<Date>`now()`, changed_at: sql<Date>`now()` })
    .where('instance_id', '=', instance)
    .where('state', '=', 'storing')
    .execute()
}

export async function storeFailed(
  trx: Trx,
  row: ImageRow,
  build: number | null,
  error: string,
): Promise<void> {
  await trx
    .updateTable('images')
    .set({
      state: 'failed',
      build_id: build,
      error: shown(error),
      changed_at: sql<Date>`now()`,
    })
    .where('name', '=', row.name)
    .where('hash', '=', row.hash)
    .where('attempt', '=', row.attempt)
    // As it was seen: it may have gone on meanwhile.
    .where('state', '=', row.state)
    .execute()
}

/** The name stands for this one from now on. */
export async function storeUsed(trx: Trx, name: string, hash: string): Promise<void> {
  await trx.updateTable('image_names').set({ used: hash }).where('name', '=', name).execute()
  await trx
    .updateTable('images')
    .set({
      retired_at: sql<Date | null>`case when hash = ${hash} then null else coalesce(retired_at, now()) end`,
    })
    .where('name', '=', name)
    .where('state', '=', 'ready')
    .execute()
}

/** Since when nobody needs it, because its name has left the config; null: it has come back. */
export async function storeRetired(
  trx: Trx,
  { hash, name }: Pick<ImageRow, 'hash' | 'name'>,
  since: Date | null,
): Promise<void> {
  await trx
    .updateTable('images')
    .set({ retired_at: since })
    .where('name', '=', name)
    .where('hash', '=', hash)
    .where('state', '=', 'ready')
    .execute()
}

/** Nothing will come of it any more. */
export async function storeForgotten(trx: Trx, { attempt, hash, name, state }: ImageRow): Promise<void> {
  await trx
    .updateTable('images')
    .set({ state: 'removed', changed_at: sql<Date>`now()` })
    .where('name', '=', name)
    .where('hash', '=', hash)
    .where('attempt', '=', attempt)
    .where('state', '=', state)
    .execute()
}

/** What has left the config stands for nothing any more. */
export async function forgetName(trx: Trx, name: string): Promise<void> {
  await trx.deleteFrom('image_names').where('name', '=', name).execute()
}

/** That it is to go: false when its name stands for it or an instance is made of it. */
export async function storeRemoving(
  trx: Trx,
  { hash, name }: Pick<ImageRow, 'hash' | 'name'>,
): Promise<boolean> {
  const going = await trx
    .updateTable('images')
    .set({ state: 'removing', changed_at: sql<Date>`now()` })
    .where('name', '=', name)
    .where('hash', '=', hash)
    .where('state', 'in', ['ready', 'removing'])
    .where(({ exists, not, selectFrom }) =>
      not(
        exists(
          selectFrom('image_names')
            .select('image_names.name')
            .whereRef('image_names.name', '=', 'images.name')
            .where((eb) => eb.or([eb('used', '=', hash), eb('pinned', '=', hash)])),
        ),
      ),
    )
    .where(({ exists, not, selectFrom }) =>
      not(
        exists(
          selectFrom('instances')
            .select('instances.id')
            .where('instances.state', '<>', 'gone')
            .whereRef('instances.backend', '=', 'images.backend')
            .where(
              sql<boolean>`images.ref in (instances.template ->> 'image', instances.template ->> 'ami')`,
            ),
        ),
      ),
    )
    .returning('hash')
    .executeTakeFirst()
  return going !== undefined
}

export async function storeRemoved(trx: Trx, { hash, name }: Pick<ImageRow, 'hash' | 'name'>): Promise<void> {
  await trx
    .updateTable('images')
    .set({ state: 'removed', ref: null, error: null, changed_at: sql<Date>`now()` })
    .where('name', '=', name)
    .where('hash', '=', hash)
    .where('state', '=', 'removing')
    .execute()
}

/** Its provider has not removed it; it stays to be removed. */
export async function storeNotRemoved(
  trx: Trx,
  { hash, name }: Pick<ImageRow, 'hash' | 'name'>,
  error: string,
): Promise<void> {
  await trx
    .updateTable('images')
    .set({ error: shown(error) })
    .where('name', '=', name)
    .where('hash', '=', hash)
    .where('state', '=', 'removing')
    .execute()
}

export interface BuildEnd {
  readonly build: number | null
  readonly result: Result
  readonly summary: string | null
}

/** How the request for a build has ended; undefined: it has not. */
export async function endOfRequest(db: Db, request: number): Promise<BuildEnd | undefined> {
  const row = await db
    .selectFrom('requests')
    .leftJoin('builds', 'builds.request_id', 'requests.id')
    .select(['requests.result', 'requests.start_failure', 'builds.id as build', 'builds.summary'])
    .where('requests.id', '=', request)
    .orderBy('builds.id', (ob) => ob.desc().nullsLast())
    .executeTakeFirst()
  if (!row?.result) return undefined
  return { build: row.build, result: row.result, summary: row.summary ?? row.start_failure }
}

export async function isGone(db: Db, instance: string): Promise<boolean> {
  const row = await db.selectFrom('instances').select('state').where('id', '=', instance).executeTakeFirst()
  return row?.state === 'gone'
}

function shown(error: string): string {
  return error.replaceAll('\0', '\ufffd').slice(0, 2000)
}
