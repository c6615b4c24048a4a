import { mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { messageOf, RouseError } from '../../model/errors.ts'
import { systemClock } from '../../util/clock.ts'
import type { DatabaseAddress } from '../database-address.ts'
import { lockDataDir } from './data-dir-lock.ts'
import { initDataFolder } from './init-data-folder.ts'
import { postgresAccount } from './postgres-account.ts'
import { findPostgresBinaries } from './postgres-binaries.ts'
import type { ServerSetup } from './server-setup.ts'
import { startServer } from './start-server.ts'
import { stopServer } from './stop-server.ts'

export interface EmbeddedPostgresOptions {
  /** Made when it is not there. The database goes into `postgres/` in it, the server's log into `postgres.log`. */
  readonly dataDir: string
  readonly log: Logger
  /** Told in a sentence what takes long. */
  readonly progress?: (sentence: string) => void
  /** Added to the server's settings, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
  /** Called when the server went away and could not be brought back, or another master took the folder meanwhile. */
  readonly onLost?: (error: unknown) => void
  /** Ends the start. A server that was started is ended with `stop`. */
  readonly signal?: AbortSignal
  /** Where the package with the binaries is. Default: where npm installed it. */
  readonly packageRoot?: string
}

export interface EmbeddedPostgres {
  readonly address: DatabaseAddress
  /** Of the server's first process; changes when the server had to be started again. */
  readonly pid: number
  /** Shuts the server down and waits for its end. Close your connections before. Idempotent. */
  stop(): Promise<void>
}

/**
 * Runs a PostgreSQL of our own and keeps it running until `stop`. A server that a killed master left behind is taken over.
 * Throws ROUSE_DATA_DIR_IN_USE when another master lives on the folder, without touching its server, else
 * ROUSE_EMBEDDED_POSTGRES.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const stopping = new AbortController()
  const starting = options.signal ? AbortSignal.any([stopping.signal, options.signal]) : stopping.signal
  try {
    const setup = await prepare(options, starting)
    let { server, lock } = await startAndLock(setup, options.dataDir, starting)

    const keepRunning = async () => {
      while (!(await endOf(lock.ended, stopping.signal))) {
        options.log.warn('the embedded PostgreSQL went away; starting it again')
        await systemClock.sleep(restartDelay, stopping.signal)
        ;({ server, lock } = await startAndLock(setup, options.dataDir, stopping.signal))
      }
    }
    const running = keepRunning().catch((error: unknown) => {
      if (!stopping.signal.aborted) options.onLost?.(error)
    })

    const stop = async () => {
      stopping.abort()
      await running
      // The lock ends with the server, so that nobody can take the folder before the server is gone.
      await stopServer(setup, server)
      await lock.release()
    }
    let stopped: Promise<void> | undefined
    return {
      address: server.address,
      get pid() {
        return server.pid
      },
      stop: () => (stopped ??= stop()),
    }
  } catch (error) {
    options.signal?.throwIfAborted()
    if (error instanceof RouseError) throw error
    const message = `the embedded PostgreSQL could not be started: ${messageOf(error)}`
    throw new RouseError('ROUSE_EMBEDDED_POSTGRES', message, { cause: error })
  }
}

async function prepare(options: EmbeddedPostgresOptions, signal: AbortSignal): Promise<ServerSetup> {
  const { dataDir, log, progress = () => {}, settings = {}, packageRoot } = options
  await mkdir(dataDir, { recursive: true })
  const realDataDir = await realpath(dataDir)
  const folder = join(realDataDir, 'postgres')
  const setup: ServerSetup = {
    folder,
    logFile: join(realDataDir, 'postgres.log'),
    binaries: await findPostgresBinaries(packageRoot),
    account: await postgresAccount(folder),
    settings,
    log,
    progress,
  }
  await initDataFolder(setup, signal)
  return setup
}

async function startAndLock(setup: ServerSetup, dataDir: string, signal: AbortSignal) {
  const server = await startServer(setup, signal)
  try {
    return { server, lock: await lockDataDir(server.address, { dataDir, signal }) }
  } catch (error) {
    const inUse = error instanceof RouseError && error.code === 'ROUSE_DATA_DIR_IN_USE'
    if (server.launched && !inUse) await stopServer(setup, server)
    throw error
  }
}

/** Resolves when either is aborted: true when it is `stopping`. */
async function endOf(ended: AbortSignal, stopping: AbortSignal): Promise<boolean> {
  const either = AbortSignal.any([ended, stopping])
  if (!either.aborted)
    await new Promise((resolve) => either.addEventListener('abort', resolve, { once: true }))
  return stopping.aborted
}

// So that a server that dies at once is not started in a tight loop.
const restartDelay = 200
