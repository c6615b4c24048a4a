import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { messageOf, RouseError } from '../../model/errors.ts'
import { systemClock } from '../../util/clock.ts'
import { lockBaseDir } from '../supervisor/base-dir-lock.ts'
import { ownFolder } from '../supervisor/workspace-path.ts'
import { openSupervisor, type OpenOptions } from './open-supervisor.ts'
import type { RemoteSupervisor } from './remote-supervisor.ts'

export interface KeepOptions extends OpenOptions {
  /** Aborted: no further supervisor is wanted. */
  readonly signal: AbortSignal
}

/**
 * Holds a base dir for its one connector, and calls `use` with its supervisor until the signal is aborted: again with the next
 * one when the supervisor was lost. Throws what the first start of a supervisor throws; later ones are tried again.
 */
export async function keepSupervisor(
  options: KeepOptions,
  use: (supervisor: RemoteSupervisor) => Promise<void>,
): Promise<void> {
  const { log, signal } = options
  const unlock = lock(resolve(options.baseDir))
  try {
    let supervisor: RemoteSupervisor | undefined = await openSupervisor(options)
    while (supervisor) {
      await use(supervisor)
      supervisor = undefined
      while (!supervisor && !signal.aborted) {
        log.warn('the supervisor is gone: starting another')
        // Not in a hurry, should it fail each time.
        await systemClock.sleep(pauseMs, signal).catch(() => {})
        if (signal.aborted) return
        supervisor = await openSupervisor(options).catch((error: unknown) => {
          log.error(`cannot start a supervisor: ${messageOf(error)}`)
          return undefined
        })
      }
    }
  } finally {
    unlock()
  }
}

function lock(baseDir: string): () => void {
  try {
    const own = join(baseDir, ownFolder)
    mkdirSync(own, { recursive: true, mode: 0o700 })
    return lockBaseDir(baseDir, join(own, 'lock'))
  } catch (error) {
    if (error instanceof RouseError) throw error
    throw new RouseError('ROUSE_AGENT_BASE_DIR', `${baseDir}: ${messageOf(error)}`, { cause: error })
  }
}

const pauseMs = 500
