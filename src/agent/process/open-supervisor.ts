import { resolve } from 'node:path'
import { messageOf, RouseError } from '../../model/errors.ts'
import { version } from '../../model/version.ts'
import { systemClock } from '../../util/clock.ts'
import type { Log } from '../log.ts'
import { findSupervisor, retire, type FoundSupervisor } from './connect-supervisor.ts'
import { socketProtocol } from './own-messages.ts'
import { RemoteSupervisor } from './remote-supervisor.ts'
import { socketPath } from './socket-path.ts'
import { startSupervisor } from './start-supervisor.ts'
import type { SuperviseOptions } from './supervise-options.ts'

export interface OpenOptions extends SuperviseOptions {
  readonly log: Log
}

/**
 * Attaches to the supervisor of a base dir, and starts one when none lives. An idle one of another version is replaced; one
 * with commands is kept when it can be understood. Throws ROUSE_AGENT_BASE_DIR and ROUSE_AGENT_BASE_DIR_IN_USE.
 */
export async function openSupervisor({ log, ...options }: OpenOptions): Promise<RemoteSupervisor> {
  const baseDir = resolve(options.baseDir)
  const path = socketPath(baseDir)
  let failure: unknown
  for (let attempt = 0; attempt < attempts; attempt++) {
    try {
      const found = await findSupervisor(path)
      const taken = found && (await take(found, { ...options, baseDir, log }))
      if (taken) return taken
      if (!found) await startSupervisor({ ...options, baseDir })
    } catch (error) {
      // One that dies just now still takes connections and holds its lock.
      if (error instanceof RouseError && error.code !== 'ROUSE_AGENT_BASE_DIR_IN_USE') throw error
      failure = error
      await systemClock.sleep(pauseMs)
    }
  }
  if (failure instanceof RouseError) throw failure
  throw new RouseError('ROUSE_AGENT_BASE_DIR', `${path}: ${messageOf(failure)}`, { cause: failure })
}

/** Undefined when it has ended, to be replaced. */
async function take(
  found: FoundSupervisor,
  { baseDir, log, maxSpool }: OpenOptions,
): Promise<RemoteSupervisor | undefined> {
  const { greeting, socket } = found
  if (greeting.version !== version && greeting.commands === 0) {
    log.info(`replacing the supervisor of version ${greeting.version}`)
    await retire(found)
    return undefined
  }
  if (greeting.protocol !== socketProtocol) {
    socket.destroy()
    throw unknownProtocol(baseDir, found)
  }
  if (greeting.commands > 0) log.info(`taking up ${greeting.commands} commands of process ${greeting.pid}`)
  return new RemoteSupervisor(socket, { ...found, log, maxSpool })
}

function unknownProtocol(baseDir: string, { greeting }: FoundSupervisor): RouseError {
  return new RouseError(
    'ROUSE_AGENT_BASE_DIR_IN_USE',
    `process ${greeting.pid} is an agent of version ${greeting.version} that runs commands in ${baseDir}`,
    { advice: 'Start that version again until they have ended, or end that process.' },
  )
}

const attempts = 12
const pauseMs = 300
