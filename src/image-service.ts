import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Builds } from './builds/builds.ts'
import type { GroupCommit } from './db/group-commit.ts'
import type { Database } from './db/schema.ts'
import type { Images } from './latent/images/images.ts'
import { forgetName, loadImages, type ImageRow } from './latent/images/store-images.ts'
import { removeImage } from './latent/images/tidy-images.ts'
import type { Latent } from './latent/latent.ts'
import { messageOf, RouseError } from './model/errors.ts'
import { imageHashProperty, imageTester } from './model/image.ts'
import type { ImageService } from './web/services.ts'

interface Parts {
  readonly db: Kysely<Database>
  readonly commit: Pick<GroupCommit, 'write'>
  readonly log: Logger
  readonly builds: Builds
  readonly images: Images
  readonly latent: Latent
}

/** What people may do with images. */
export function imageService({ builds, commit, db, images, latent, log }: Parts): ImageService {
  const checkName = (name: string) => {
    if (!images.specs.has(name))
      throw new RouseError('ROUSE_IMAGE_UNKNOWN', `the config has no image "${name}" that a worker uses`)
  }
  const find = async (name: string, hash: string): Promise<ImageRow> => {
    const found = (await loadImages(db)).filter((row) => row.name === name && row.hash.startsWith(hash))
    if (found.length === 1 && found[0]!.state !== 'building') return found[0]!
    throw new RouseError('ROUSE_IMAGE_UNKNOWN', `there is no image ${name}@${hash}`)
  }
  const findReady = async (name: string, hash: string): Promise<ImageRow> => {
    const row = await find(name, hash)
    if (row.state === 'ready') return row
    throw new RouseError('ROUSE_IMAGE_UNKNOWN', `image ${name}@${row.hash} is not ready: it is ${row.state}`)
  }
  return {
    names: () => [...images.specs.keys()],
    trouble: (name) => images.trouble(name),
    async build(name, how) {
      checkName(name)
      try {
        return await images.build(name, how)
      } catch (error) {
        throw new RouseError('ROUSE_IMAGE_INPUTS', `image ${name}: ${messageOf(error)}`, { cause: error })
      }
    },
    async use(name, hash) {
      checkName(name)
      const pinned = hash === null ? null : (await findReady(name, hash)).hash
      await commit.write((trx) =>
        trx
          .insertInto('image_names')
          .values({ name, pinned })
          .onConflict((oc) => oc.column('name').doUpdateSet({ pinned }))
          .execute(),
      )
      await images.reload()
      await images.choose(name)
    },
    async remove(name, hash) {
      const row = await find(name, hash)
      if (!images.specs.has(name)) await commit.write((trx) => forgetName(trx, name))
      const removal = await removeImage(row, {
        backend: (key) => latent.backend(key),
        isNamed: (ref) => images.isNamed(ref),
        commit,
        log,
      })
      if (removal === 'kept')
        throw new RouseError('ROUSE_IMAGE_IN_USE', `image ${name}@${row.hash} is in use or not there`)
      await images.reload()
      return removal
    },
    async test(name, hash) {
      checkName(name)
      await images.reload()
      const row = hash === null ? undefined : await findReady(name, hash)
      const value = row?.hash ?? images.usedHash(name)
      if (value === undefined)
        throw new RouseError(
          'ROUSE_IMAGE_UNKNOWN',
          `image ${name} ${images.trouble(name) ?? 'is not built yet'}`,
        )
      const { buildsetId, requests } = await builds.submit({
        builders: [imageTester(name)],
        source: { repository: '', branch: null, revision: null },
        properties: [{ name: imageHashProperty, value, source: 'force' }],
        priority: 0,
        reason: `image ${name}@${value} is tried out`,
        origin: 'force',
      })
      return { buildsetId, requestIds: requests.map(({ id }) => id) }
    },
  }
}
