import { imageBuilder, imageHashProperty } from '../../model/image.ts'
import type { ImagesOptions } from './images-options.ts'
import { endOfRequest, isGone, storeAgain, storeFailed, storeRequest, type ImageRow } from './store-images.ts'

/** The next step of an image that is not there yet, where it is time for one. Gives whether there is another at once. */
export async function advanceImage(row: ImageRow, options: ImagesOptions): Promise<boolean> {
  if (row.state === 'storing') return await seeInstance(row, options)
  if (row.state !== 'building') return false
  if (row.request_id === null) await request(row, options)
  else await seeBuild(row, row.request_id, options)
  return false
}

async function request(row: ImageRow, options: ImagesOptions): Promise<void> {
  const { attempt, hash, name } = row
  const id = await options.request({
    builder: imageBuilder(name),
    reason: `image ${name}@${hash} is to be built`,
    property: { name: imageHashProperty, value: hash },
    key: `image:${name}@${hash}:${attempt}`,
  })
  await storeRequest(options.db, row, id)
}

async function seeBuild(row: ImageRow, request: number, { commit, db, log }: ImagesOptions): Promise<void> {
  const end = await endOfRequest(db, request)
  if (!end) return
  const what = end.build === null ? 'its build was not begun' : `build ${end.build} ended in ${end.result}`
  const error = end.summary === null ? what : `${what}: ${end.summary}`
  log.warn(`image ${row.name}@${row.hash} could not be built, the old one stays in use: ${error}`)
  await commit.write((trx) => storeFailed(trx, row, end.build, error))
}

/** Its machine may be gone before anybody could keep its disk. */
async function seeInstance(row: ImageRow, { commit, db }: ImagesOptions): Promise<boolean> {
  if (!(await isGone(db, row.instance_id!))) return false
  const vanished = 'its machine was gone before its disk could be kept'
  await commit.write(async (trx) => {
    if (row.attempt < mostAttempts) await storeAgain(trx, row, ['storing'])
    else await storeFailed(trx, row, row.build_id, vanished)
  })
  return true
}

const mostAttempts = 3
