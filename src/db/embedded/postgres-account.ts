import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'
import { RouseError } from '../../model/errors.ts'
import { codeOf } from '../connection-failure.ts'

/**
 * What to put in front of a PostgreSQL command so that it starts under this account. PostgreSQL refuses root and accounts
 * that /etc/passwd does not know; in a user namespace of its own it sees another name, and its files stay ours.
 */
export async function postgresCommandPrefix(): Promise<readonly string[]> {
  if (process.getuid!() !== 0 && hasName()) return []
  const id = await someUserId()
  const prefix = ['unshare', '--user', `--map-user=${id}`, `--map-group=${id}`]
  try {
    await promisify(execFile)('unshare', [...prefix.slice(1), 'true'], { timeout: probeTimeout })
    return prefix
  } catch (error) {
    const who = process.getuid!() === 0 ? 'root' : `user ${process.getuid!()}, which has no name here`
    const why =
      codeOf(error) === 'ENOENT' ? 'there is no `unshare` command' : '`unshare --user` is refused here'
    throw new RouseError('ROUSE_EMBEDDED_POSTGRES', `PostgreSQL does not run as ${who}, and ${why}`, {
      cause: error,
      advice:
        'Start Rouse as an ordinary user (in a container: `docker run --user node`), or set database to the URL of your own PostgreSQL.',
    })
  }
}

function hasName(): boolean {
  try {
    userInfo()
    return true
  } catch {
    return false
  }
}

// initdb wants a name for the user it runs as; any that is not root's will do.
async function someUserId(): Promise<number> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const ids = passwd.split('\n').map((line) => Number(line.split(':')[2]))
  return ids.find((id) => id > 0) ?? 65534
}

const probeTimeout = 10_000
