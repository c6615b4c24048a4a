import { sql, type Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { ApiImage } from '../image-api.ts'
import type { ImageService } from '../services.ts'

/** Of the config's images and of those that are kept, newest first. */
export async function listImages(
  db: Kysely<Database>,
  images: Pick<ImageService, 'names' | 'trouble'>,
): Promise<ApiImage[]> {
  const rows = await db
    .selectFrom('images as i')
    .leftJoin('image_names as n', 'n.name', 'i.name')
    .selectAll('i')
    .select(['n.wanted', 'n.used', 'n.pinned'])
    .select(
      sql<number>`(select count(*)::int from instances
        where state <> 'gone' and backend = i.backend and i.ref in (template ->> 'image', template ->> 'ami'))`.as(
        'instances',
      ),
    )
    .where('i.state', '<>', 'removed')
    .orderBy('i.created_at', 'desc')
    .execute()
  const inConfig = new Set(images.names())
  const isWanted = ({ hash, name, wanted }: (typeof rows)[number]) => inConfig.has(name) && wanted === hash
  const found = rows.map((row): ApiImage => ({
    name: row.name,
    hash: row.hash,
    state: row.state as ApiImage['state'],
    inUse: row.used === row.hash,
    pinned: row.pinned === row.hash,
    wanted: isWanted(row),
    instances: row.instances,
    backend: row.backend,
    from: row.base,
    ref: row.ref,
    error: row.error ?? (isWanted(row) ? (images.trouble(row.name) ?? null) : null),
    requestId: row.request_id,
    buildId: row.build_id,
    createdAt: row.created_at.toISOString(),
    readyAt: row.ready_at?.toISOString() ?? null,
  }))
  const missing = [...inConfig].filter((name) => !rows.some((row) => row.name === name))
  return [...missing.map((name) => unknown(name, images.trouble(name) ?? null)), ...found]
}

function unknown(name: string, error: string | null): ApiImage {
  return {
    ...{ name, error, hash: null, state: 'unknown', inUse: false, pinned: false, wanted: true, instances: 0 },
    ...{
      backend: null,
      from: null,
      ref: null,
      requestId: null,
      buildId: null,
      createdAt: null,
      readyAt: null,
    },
  }
}
