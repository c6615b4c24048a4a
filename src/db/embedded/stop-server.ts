import { rmdir } from 'node:fs/promises'
import { RouseError } from '../../model/errors.ts'
import { systemClock } from '../../util/clock.ts'
import { isAlive, readPostmasterPid } from './postmaster-pid.ts'
import { pollInterval, type RunningServer, type ServerSetup } from './server-setup.ts'

/** Shuts the server down, in good order if it does so within half a minute, and waits until it is gone. */
export async function stopServer(setup: ServerSetup, { pid, address }: RunningServer): Promise<void> {
  for (const [signal, patience] of steps) {
    if ((await readPostmasterPid(setup.folder))?.pid !== pid || !isAlive(pid)) break
    if (signal !== 'SIGINT') setup.log.warn({ pid, signal }, 'PostgreSQL takes too long to stop; pressing it')
    process.kill(pid, signal)
    await waitUntilGone(setup.folder, pid, patience)
  }
  if ((await readPostmasterPid(setup.folder))?.pid === pid && isAlive(pid)) {
    throw new RouseError('ROUSE_EMBEDDED_POSTGRES', `the embedded PostgreSQL (pid ${pid}) does not stop`)
  }
  if (address.host !== setup.folder) await rmdir(address.host).catch(() => {})
}

// The pid file goes last. A process that nobody reaps still looks alive, so its own end is waited for only a moment.
async function waitUntilGone(folder: string, pid: number, patience: number): Promise<void> {
  const deadline = systemClock.now() + patience
  while ((await readPostmasterPid(folder))?.pid === pid && isAlive(pid) && systemClock.now() < deadline) {
    await systemClock.sleep(pollInterval)
  }
  const moment = systemClock.now() + 1000
  while (isAlive(pid) && systemClock.now() < Math.min(moment, deadline)) await systemClock.sleep(pollInterval)
}

/** Fast shutdown, immediate shutdown (the next start recovers), and the end; with milliseconds of patience. */
const steps = [
  ['SIGINT', 30_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
] as const
