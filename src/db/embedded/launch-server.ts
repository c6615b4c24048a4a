import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { open, rename, stat } from 'node:fs/promises'
import { RouseError } from '../../model/errors.ts'
import { systemClock } from '../../util/clock.ts'
import { describeFailure } from '../connection-failure.ts'
import { socketPort } from '../database-address.ts'
import { askServer } from './ask-server.ts'
import { readPostmasterPid } from './postmaster-pid.ts'
import { sayWhenSlow } from './say-when-slow.ts'
import {
  addressOf,
  pollInterval,
  serverEnvironment,
  type RunningServer,
  type ServerSetup,
} from './server-setup.ts'
import { makeSocketFolder, socketFolder } from './socket-folder.ts'

/** Starts a server and resolves when it answers; undefined when it gave way to another one on the same folder. */
export async function launchServer(
  setup: ServerSetup,
  signal: AbortSignal,
  deadline: number,
): Promise<RunningServer | undefined> {
  const address = addressOf(socketFolder(setup.folder))
  if (address.host !== setup.folder) await makeSocketFolder(address.host, setup.account)
  const logStart = await boundLog(setup.logFile)
  const child = await spawnServer(setup, address.host)
  const say = sayWhenSlow(setup.progress)
  try {
    for (; systemClock.now() < deadline; await systemClock.sleep(pollInterval, signal)) {
      const answer = await askServer(address, signal)
      if (answer === 'ready') {
        const pid = (await readPostmasterPid(setup.folder))?.pid
        if (pid) return { pid, address, launched: pid === child.pid }
      }
      if (child.exitCode !== null || child.signalCode !== null) {
        const said = await readFrom(setup.logFile, logStart)
        if (/lock file ".*" already exists|is still in use/.test(said)) return undefined
        throw notStarted(setup, said.trim().split('\n').slice(-5).join('\n'))
      }
      if (answer === 'busy') say('PostgreSQL is recovering what was written last')
    }
  } catch (error) {
    child.kill('SIGINT')
    throw error
  }
  return undefined
}

// In a session of its own, so that Ctrl-C reaches the master alone, and the master stops it when it is done.
async function spawnServer(setup: ServerSetup, host: string): Promise<ChildProcess> {
  const settings = {
    ...defaults,
    ...setup.settings,
    unix_socket_directories: `"${host.replaceAll('"', '""')}"`,
  }
  const command = [
    ...setup.account.prefix,
    setup.binaries.postgres,
    ...['-D', setup.folder],
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  const log = openSync(setup.logFile, 'a', 0o600)
  try {
    const child = spawn(command[0]!, command.slice(1), {
      ...setup.account.ids,
      cwd: setup.folder,
      env: serverEnvironment(),
      detached: true,
      stdio: ['ignore', log, log],
    })
    await once(child, 'spawn')
    child.unref()
    return child
  } catch (error) {
    throw notStarted(setup, describeFailure(error), error)
  } finally {
    closeSync(log)
  }
}

function notStarted(setup: ServerSetup, said: string, cause?: unknown): RouseError {
  return new RouseError('ROUSE_EMBEDDED_POSTGRES', `the embedded PostgreSQL did not start: ${said}`, {
    cause,
    advice: `See ${setup.logFile}, or set database to the URL of your own PostgreSQL.`,
  })
}

/** Moves a long log aside, and returns where this server's lines will begin. */
async function boundLog(file: string): Promise<number> {
  const { size } = await stat(file).catch(() => ({ size: 0 }))
  if (size <= longestLog) return size
  await rename(file, `${file}.1`)
  return 0
}

async function readFrom(file: string, start: number): Promise<string> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(64 * 1024), position: start })
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

const defaults = {
  port: String(socketPort),
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '100',
  shared_buffers: '128MB',
  // Parallel queries need /dev/shm, which containers keep small; ours touch few rows.
  max_parallel_workers_per_gather: '0',
  max_parallel_maintenance_workers: '0',
  // A statement whose master died does not go on holding its locks.
  client_connection_check_interval: '10s',
  log_line_prefix: '%m [%p] %a ',
  log_checkpoints: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

const longestLog = 10 * 1024 * 1024
