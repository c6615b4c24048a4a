import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'
import { RouseError } from '../../model/errors.ts'

/** As whom PostgreSQL runs: it refuses root and accounts without a name. */
export interface PostgresAccount {
  /** Goes in front of each command. */
  readonly prefix: readonly string[]
  /** For `spawn`, and for what PostgreSQL must own. Empty: we ourselves. */
  readonly ids: { readonly uid?: number; readonly gid?: number }
  /** What to do when PostgreSQL may not read or write something. */
  readonly advice?: string
}

/**
 * The account for this data folder. Root's first choice is a user namespace, in which PostgreSQL sees another name while
 * its files stay root's; where that is refused, as in most containers, another user.
 */
export async function postgresAccount(folder: string): Promise<PostgresAccount> {
  const isRoot = process.getuid!() === 0
  if (!isRoot && hasName()) return ourselves
  const owner = await stat(folder).catch(() => undefined)
  if (isRoot && owner && owner.uid !== 0) return asUser(owner.uid, owner.gid)

  const users = await readUsers()
  const prefix = namespaceOf(users[0]?.uid ?? nobody)
  if (await works(prefix)) return { ...ourselves, prefix }
  const other = users.find(({ name }) => name === 'postgres') ?? users.find(({ name }) => name === 'nobody')
  if (isRoot && other) return asUser(other.uid, other.gid)
  throw new RouseError('ROUSE_EMBEDDED_POSTGRES', 'PostgreSQL does not run as a user without a name', {
    advice:
      'Start Rouse as a user that /etc/passwd knows, or set database to the URL of your own PostgreSQL.',
  })
}

function hasName(): boolean {
  try {
    userInfo()
    return true
  } catch {
    return false
  }
}

function asUser(uid: number, gid: number): PostgresAccount {
  const advice = `As root, Rouse runs PostgreSQL as user ${uid}, who must be able to enter dataDir and Rouse's own folder.`
  return { prefix: [], ids: { uid, gid }, advice: `${advice} Or start Rouse as an ordinary user.` }
}

// The id must be one that has a name there, too.
function namespaceOf(id: number): readonly string[] {
  return ['unshare', '--user', `--map-user=${id}`, `--map-group=${id}`]
}

async function works([program, ...args]: readonly string[]): Promise<boolean> {
  try {
    await promisify(execFile)(program!, [...args, 'true'], { timeout: probeTimeout })
    return true
  } catch {
    return false
  }
}

/** All but root. */
async function readUsers(): Promise<{ name: string; uid: number; gid: number }[]> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const users = passwd.split('\n').map((line) => line.split(':'))
  return users
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid }) => uid > 0)
}

const ourselves: PostgresAccount = { prefix: [], ids: {} }
const nobody = 65534
const probeTimeout = 10_000
