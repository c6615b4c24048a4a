import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../model/errors.ts'
import { setClock } from './channel/set-clock.ts'
import { takeToken } from './channel/take-token.ts'
import type { AgentOptions } from './connector/run-agent.ts'
import type { Log } from './log.ts'
import { ownFolder } from './supervisor/workspace-path.ts'
import { readPassword, type WorkerOptions } from './worker-options.ts'

/**
 * What `rouse worker` logs in with: what is in its file, or what the machine's host hands over by the channel. Undefined when that
 * did not come before it was time to give up, or when aborted. Throws ROUSE_WORKER_PASSWORD_FILE.
 */
export async function workerLogin(
  { baseDir, channel, clock, giveUp, passwordFile, removePasswordFile }: WorkerOptions,
  log: Log,
  signal: AbortSignal,
): Promise<Pick<AgentOptions, 'onWelcome' | 'password'> | undefined> {
  if (channel !== undefined) {
    const token = await untilGivenUp(channel, { giveUp, log, signal })
    if (!token) return undefined
    await setClock({ time: token.time, fifo: clock, log })
    await stirRandom(token.token)
    log.info(`this is generation ${token.generation} of this machine`)
    return { password: token.token }
  }
  if (!removePasswordFile) return { password: readPassword(passwordFile, log) }
  if (!existsSync(passwordFile) && existsSync(join(baseDir, ownFolder, 'credential'))) return { password: '' }
  const onWelcome = () =>
    void rm(passwordFile, { force: true }).catch((error: unknown) => log.warn(messageOf(error)))
  return { password: readPassword(passwordFile, log), onWelcome }
}

async function untilGivenUp(
  path: string,
  { giveUp, log, signal }: { giveUp: number | undefined; log: Log; signal: AbortSignal },
) {
  const over = new AbortController()
  const patience =
    giveUp === undefined ? undefined : setTimeout(() => over.abort(), Math.min(giveUp * 1000, longestTimer))
  try {
    return await takeToken({ path, log, signal: AbortSignal.any([signal, over.signal]) })
  } catch (error) {
    if (over.signal.aborted) log.warn('no token came: giving up')
    else if (!signal.aborted) throw error
    return undefined
  } finally {
    clearTimeout(patience)
  }
}

// Every time it is taken back to its snapshot a machine would draw the same random numbers again.
async function stirRandom(token: string): Promise<void> {
  const news = createHash('sha512').update(`rouse random ${token}`).digest()
  await writeFile('/dev/urandom', news).catch(() => {})
}

/** What a timer of Node.js can wait for. */
const longestTimer = 2_000_000_000
