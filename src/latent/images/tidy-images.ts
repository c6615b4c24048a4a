import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { GroupCommit } from '../../db/group-commit.ts'
import type { Database } from '../../db/schema.ts'
import { messageOf } from '../../model/errors.ts'
import type { Clock } from '../../util/clock.ts'
import type { OpenBackend } from '../open-backend.ts'
import type { ImageSpec } from './image-spec.ts'
import {
  forgetName,
  loadImages,
  storeForgotten,
  storeNotRemoved,
  storeRemoved,
  storeRemoving,
  storeRetired,
  type ImageNameRow,
  type ImageRow,
} from './store-images.ts'

interface TidyOptions {
  readonly db: Kysely<Database>
  readonly commit: Pick<GroupCommit, 'write'>
  readonly clock: Clock
  readonly log: Logger
  readonly backend: (key: string) => OpenBackend | undefined
  readonly specs: ReadonlyMap<string, ImageSpec>
  readonly names: ReadonlyMap<string, ImageNameRow>
  readonly rows: readonly ImageRow[]
  /** Whether a template of the config names it by what its provider calls it. */
  readonly isNamed: (ref: string) => boolean
}

/** Removes the images that no rollback needs any more, and what no row knows: half-made ones of masters that were killed. */
export async function tidyImages(options: TidyOptions): Promise<void> {
  const { backend: open, db, log, rows, specs } = options
  for (const row of rows.filter((row) => row.state === 'removing')) await removeImage(row, options)
  for (const { keep = defaultKeep, name } of specs.values())
    for (const row of superfluous(rows, { name, keep, ...options })) await removeImage(row, options)
  await tidyLeft(options)
  const keys = new Set([...specs.values(), ...rows].map(({ backend }) => backend))
  for (const key of keys) {
    const backend = open(key)
    if (!backend) continue
    try {
      for (const ref of await backend.listImages()) {
        // Each anew: removing takes its time, and meanwhile one of the same name may be made again.
        if (!(await isOrphan(db, key, ref))) continue
        log.warn({ image: ref }, `${key} has an image of ours that no row knows: it is removed`)
        await backend.removeImage(ref)
      }
    } catch (error) {
      log.warn(`${key}: images could not be tidied: ${messageOf(error)}`)
    }
  }
}

/** Those whose name has left the config: it may come back, so they stay for a while. */
async function tidyLeft(options: TidyOptions): Promise<void> {
  const { clock, commit, names, rows, specs } = options
  const isOver = (since: Date) => clock.now() - since.getTime() > leftFor
  const left = rows.filter(({ name }) => !specs.has(name))
  const ready = left.filter(({ state }) => state === 'ready')
  for (const row of ready)
    if (row.retired_at === null) await commit.write((trx) => storeRetired(trx, row, new Date(clock.now())))
  for (const row of rows)
    if (specs.has(row.name) && row.retired_at !== null && names.get(row.name)?.used === row.hash)
      await commit.write((trx) => storeRetired(trx, row, null))
  for (const row of left)
    if ((row.state === 'failed' || row.state === 'building') && isOver(row.changed_at))
      await commit.write((trx) => storeForgotten(trx, row))
  for (const [name, of] of Map.groupBy(ready, ({ name }) => name)) {
    // When the name left, the one in use went out of use.
    if (!of.every(({ retired_at }) => retired_at !== null && isOver(retired_at))) continue
    await commit.write((trx) => forgetName(trx, name))
    for (const row of of) await removeImage(row, options)
  }
}

/** While one is being kept it has no name yet that we know. */
async function isOrphan(db: Kysely<Database>, backend: string, ref: string): Promise<boolean> {
  const rows = (await loadImages(db)).filter((row) => row.backend === backend)
  return !rows.some((row) => row.ref === ref || row.state === 'storing')
}

/** 'kept': it is in use, or not there. 'removing': the provider has not removed it yet, and is asked again. */
export type Removal = 'kept' | 'removed' | 'removing'

/** Removes one, unless something is made of it. What cannot be removed now is tried again later. */
export async function removeImage(
  row: ImageRow,
  { backend, commit, isNamed, log }: Pick<TidyOptions, 'backend' | 'commit' | 'isNamed' | 'log'>,
): Promise<Removal> {
  const open = backend(row.backend)
  if (row.state === 'ready' && isNamed(row.ref!)) return 'kept'
  if (!open || !(await commit.write((trx) => storeRemoving(trx, row)))) return 'kept'
  try {
    if (row.ref !== null) await open.removeImage(row.ref)
    await commit.write((trx) => storeRemoved(trx, row))
    log.info(`image ${row.name}@${row.hash} was removed`)
    return 'removed'
  } catch (error) {
    const why = `it could not be removed yet: ${messageOf(error)}`
    await commit.write((trx) => storeNotRemoved(trx, row, why))
    log.warn(`image ${row.name}@${row.hash}: ${why}`)
    return 'removing'
  }
}

/** Those whose name has stood for another for a while, but for the newest. */
function superfluous(
  rows: readonly ImageRow[],
  { clock, keep, name, names }: { name: string; keep: number } & Pick<TidyOptions, 'clock' | 'names'>,
): ImageRow[] {
  const wanted = names.get(name)?.wanted
  return rows
    .filter((row) => row.name === name && row.hash !== wanted)
    .filter((row) => row.state === 'ready' && row.retired_at !== null)
    .sort((a, b) => b.retired_at!.getTime() - a.retired_at!.getTime())
    .slice(keep)
    .filter(({ retired_at }) => clock.now() - retired_at!.getTime() > retiredFor)
}

const defaultKeep = 2
/** Milliseconds: another master may still start something of it. */
const retiredFor = 60_000
const leftFor = 7 * 86_400_000
