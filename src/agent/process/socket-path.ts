import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { longestSocketPath } from '../../util/longest-socket-path.ts'
import { ownFolder } from '../supervisor/workspace-path.ts'

/** Where the supervisor of a base dir listens: in it, or in a folder under /tmp when that path is too long for a socket. */
export function socketPath(baseDir: string): string {
  const near = join(baseDir, ownFolder, 'socket', fileName)
  if (Buffer.byteLength(near) <= longestSocketPath) return near
  // Not TMPDIR: a connector that is started otherwise the next time must find the same.
  return join('/tmp', `rouse-${createHash('sha256').update(baseDir).digest('hex').slice(0, 16)}`, fileName)
}

/** Whoever reaches the socket commands the agent, so the folder must be ours alone. Throws an Error when it is not. */
export function makeSocketFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0) return
  throw new Error(
    `${folder} belongs to someone else or is open to others; remove it, or choose a shorter base dir`,
  )
}

const fileName = 'agent'
