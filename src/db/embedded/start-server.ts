import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { RouseError } from '../../model/errors.ts'
import { systemClock } from '../../util/clock.ts'
import { socketPort } from '../database-address.ts'
import { askServer } from './ask-server.ts'
import { launchServer } from './launch-server.ts'
import { isAlive, isServerOf, pidFile, readPostmasterPid } from './postmaster-pid.ts'
import { sayWhenSlow } from './say-when-slow.ts'
import { addressOf, pollInterval, type RunningServer, type ServerSetup } from './server-setup.ts'
import { socketFolder } from './socket-folder.ts'

/** The server of this data folder: the one that runs, else a new one. Resolves when it answers. */
export async function startServer(setup: ServerSetup, signal: AbortSignal): Promise<RunningServer> {
  const deadline = systemClock.now() + startTimeout
  while (systemClock.now() < deadline) {
    const server =
      (await findServer(setup, signal, deadline)) ?? (await launchServer(setup, signal, deadline))
    if (server) return server
    // Another master's server was quicker, or processes of a killed one are still ending.
    await systemClock.sleep(100, signal)
  }
  const pid = (await readPostmasterPid(setup.folder))?.pid
  const which = pid ? ` (pid ${pid})` : ''
  throw new RouseError(
    'ROUSE_EMBEDDED_POSTGRES',
    `the PostgreSQL server of ${setup.folder}${which} does not answer`,
    {
      advice: `See ${setup.logFile}. If it hangs, end it with \`kill -QUIT ${pid ?? '<pid>'}\` and start again.`,
    },
  )
}

/** Left by a master that died, or just started by another: waited for while it starts or stops. */
async function findServer(
  setup: ServerSetup,
  signal: AbortSignal,
  deadline: number,
): Promise<RunningServer | undefined> {
  const say = sayWhenSlow(setup.progress)
  for (; systemClock.now() < deadline; await systemClock.sleep(pollInterval, signal)) {
    const found = await readPostmasterPid(setup.folder)
    if (!found) return undefined
    const address = addressOf(found.socketFolder ?? socketFolder(setup.folder))
    const answer = await askServer(address, signal)
    if (answer === 'ready') return { pid: found.pid, address, launched: false }
    if (answer === 'silent' && !isAlive(found.pid)) return undefined
    if (answer === 'silent' && !(await isServerOf(found.pid, setup.folder))) {
      await removePidFile(setup, found.pid, address.host)
      return undefined
    }
    say(`Waiting for the PostgreSQL server that is here already (pid ${found.pid})`)
  }
  return undefined
}

// PostgreSQL itself would take the program that now has its old pid for a living server, and not start.
async function removePidFile(setup: ServerSetup, pid: number, host: string): Promise<void> {
  setup.log.info({ pid }, 'removing the pid file of a dead PostgreSQL server')
  await rm(join(host, `.s.PGSQL.${socketPort}.lock`), { force: true })
  // Read again: another master may have started a server meanwhile.
  if ((await readPostmasterPid(setup.folder))?.pid === pid)
    await rm(join(setup.folder, pidFile), { force: true })
}

// Long, because recovery after a crash may take minutes, and it ends early when the server does.
const startTimeout = 300_000
