import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, RouseError } from '../model/errors.ts'
import { writePrivateFile } from '../util/write-private-file.ts'

export interface ClusterKeyOptions {
  readonly dataDir: string
  /** `clusterKey` of the config, for masters that share a database and not a data folder. */
  readonly configured?: string | undefined
}

/**
 * The 32 bytes that every instance's token is made with; never in the database. Without one in the config it is in
 * `<dataDir>/cluster.key`, which the first start writes. Throws ROUSE_CLUSTER_KEY.
 */
export async function clusterKey({ configured, dataDir }: ClusterKeyOptions): Promise<Buffer> {
  if (configured !== undefined) return keyFrom(configured)
  const path = join(dataDir, 'cluster.key')
  try {
    await mkdir(dataDir, { recursive: true })
    const present = await read(path)
    if (present) return present
    await writePrivateFile(path, randomBytes(keyBytes), { replace: false })
    // Another master that started at the same time may have been quicker.
    return (await read(path))!
  } catch (error) {
    if (error instanceof RouseError) throw error
    throw new RouseError('ROUSE_CLUSTER_KEY', `${path}: ${messageOf(error)}`, { cause: error })
  }
}

async function read(path: string): Promise<Buffer | undefined> {
  let key: Buffer
  try {
    key = await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  if (key.length === keyBytes) return key
  throw new RouseError('ROUSE_CLUSTER_KEY', `${path} has ${key.length} bytes instead of ${keyBytes}`)
}

function keyFrom(text: string): Buffer {
  if (text.length < shortest)
    throw new RouseError('ROUSE_CLUSTER_KEY', `clusterKey is too short: it needs ${shortest} characters`)
  return createHash('sha256').update(`rouse cluster key\0${text}`).digest()
}

const keyBytes = 32
const shortest = 32
