import { chmod, lstat, mkdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { messageOf, RouseError } from '../model/errors.ts'
import { longestSocketPath } from '../util/longest-socket-path.ts'
import type { App } from './app.ts'

/**
 * Listens on a Unix socket, in place of one that a dead master left there. Its folder is made when it is missing. Whoever can
 * enter the folder may connect, as with an address: agents there need their password all the same. Throws
 * ROUSE_LISTEN_FAILED.
 */
export async function listenOnSocket(app: App, path: string): Promise<void> {
  const bytes = Buffer.byteLength(path)
  if (bytes > longestSocketPath)
    throw new RouseError('ROUSE_LISTEN_FAILED', `${path} is too long for a socket: ${bytes} bytes`, {
      advice: `The system allows ${longestSocketPath}. Name a short absolute path, such as '/run/rouse/agents.sock'.`,
    })
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 })
    await removeStale(path)
    await app.listen({ path, listenTextResolver: (address) => `listening on ${address}` })
    await chmod(path, 0o666)
  } catch (error) {
    if (error instanceof RouseError) throw error
    throw new RouseError('ROUSE_LISTEN_FAILED', `cannot listen on ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!found) return
  if (!found.isSocket()) throw new RouseError('ROUSE_LISTEN_FAILED', `${path} is there and is no socket`)
  if (await isServed(path))
    throw new RouseError('ROUSE_LISTEN_FAILED', `another program, perhaps a master, listens on ${path}`)
  await rm(path, { force: true })
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.setTimeout(patienceMs, () => socket.destroy(new Error('no answer')))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
      else reject(error)
    })
  })
}

const patienceMs = 5000
