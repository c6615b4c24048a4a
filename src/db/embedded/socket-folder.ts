import { createHash } from 'node:crypto'
import { chown, lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RouseError } from '../../model/errors.ts'
import { longestSocketPath } from '../../util/longest-socket-path.ts'
import { codeOf } from '../connection-failure.ts'
import { socketPort } from '../database-address.ts'
import type { PostgresAccount } from './postgres-account.ts'

/** Where the server's socket goes: its data folder, or a folder under /tmp when that path is too long for a socket. */
export function socketFolder(dataFolder: string): string {
  if (fits(dataFolder)) return dataFolder
  const name = `rouse-${createHash('sha256').update(dataFolder).digest('hex').slice(0, 16)}`
  return [join(tmpdir(), name)].find(fits) ?? join('/tmp', name)
}

/** Whoever reaches the socket is let in, so the folder must be ours alone. */
export async function makeSocketFolder(folder: string, { ids }: PostgresAccount): Promise<void> {
  const { uid = process.getuid!(), gid = process.getgid!() } = ids
  try {
    await mkdir(folder, { mode: 0o700 })
    await chown(folder, uid, gid)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  const found = await lstat(folder)
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return
  throw new RouseError('ROUSE_EMBEDDED_POSTGRES', `${folder} belongs to someone else or is open to others`, {
    advice: 'Remove it, or choose a dataDir with a path under 80 characters: then it is not needed.',
  })
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, `.s.PGSQL.${socketPort}`)) <= longestSocketPath
}
