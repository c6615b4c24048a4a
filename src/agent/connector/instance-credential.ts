import { createHash, createHmac, randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, RouseError } from '../../model/errors.ts'
import { writePrivateFile } from '../../util/write-private-file.ts'
import { ownFolder } from '../supervisor/workspace-path.ts'

/**
 * What an instance's agent proposes at its first login and then logs in with for ever: made once for each token, and on the disk
 * before anyone hears of it, so that a login whose answer was lost can be repeated. Without a token, which was removed once it was
 * used, only the one that is there will do. Throws ROUSE_AGENT_BASE_DIR and ROUSE_WORKER_PASSWORD_FILE.
 */
export async function instanceCredential(
  baseDir: string,
  login: { name: string; token: string },
): Promise<string> {
  const own = join(baseDir, ownFolder)
  const path = join(own, 'credential')
  const madeFor = createHash('sha256').update(`${login.name}\0${login.token}`).digest('base64url')
  try {
    await mkdir(own, { recursive: true, mode: 0o700 })
    const [known, of] = (await textOf(path)).split('\n')
    if (known !== undefined && form.test(known) && (of === madeFor || !login.token)) return known
    if (!login.token) throw new RouseError('ROUSE_WORKER_PASSWORD_FILE', 'the token is used up')
    // A machine that was taken back to a snapshot has the random numbers of the last time; its token is new.
    const credential = createHmac('sha256', login.token).update(randomBytes(32)).digest('base64url')
    await writePrivateFile(path, `${credential}\n${madeFor}\n`, { replace: true })
    return credential
  } catch (error) {
    if (error instanceof RouseError) throw error
    throw new RouseError('ROUSE_AGENT_BASE_DIR', `${path}: ${messageOf(error)}`, { cause: error })
  }
}

async function textOf(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
}

const form = /^[\w-]{43}$/
