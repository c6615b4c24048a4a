import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import pino from 'pino'
import { onTestFinished } from 'vitest'
import { clientConfig, type DatabaseAddress } from '../../src/db/database-address.ts'
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from '../../src/db/embedded/embedded-postgres.ts'
import { isAlive, readPostmasterPid } from '../../src/db/embedded/postmaster-pid.ts'
import { testSettings } from './test-settings.ts'
import { waitFor } from './wait-for.ts'

/** Ends with the test. */
export async function startPostgres(
  dataDir: string,
  options: Partial<EmbeddedPostgresOptions> = {},
): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({
    dataDir,
    log: pino({ level: 'silent' }),
    settings: testSettings,
    ...options,
  })
  onTestFinished(() => postgres.stop())
  return postgres
}

/** A master in a process of its own, with the pid of its server. */
export async function holdDataDir(dataDir: string): Promise<{ master: ChildProcess; pid: number }> {
  const { master, firstLine } = spawnHolder(dataDir)
  onTestFinished(async () => {
    await endProcess(master, 'SIGKILL')
    const server = await readPostmasterPid(join(dataDir, 'postgres'))
    if (!server || !isAlive(server.pid)) return
    process.kill(server.pid, 'SIGQUIT')
    await waitFor('PostgreSQL to end', () => !isAlive(server.pid))
  })
  return { master, pid: Number(await firstLine) }
}

export function spawnHolder(dataDir: string) {
  const script = join(import.meta.dirname, 'hold-data-dir.ts')
  const master = spawn(process.execPath, [script, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => endProcess(master, 'SIGKILL'))
  const firstLine = Promise.race([
    once(createInterface(master.stdout), 'line').then(([line]) => String(line)),
    once(master, 'exit').then(() => Promise.reject(new Error('the master ended before it was ready'))),
  ])
  firstLine.catch(() => {})
  return { master, firstLine }
}

export async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

export async function queryOnce(address: DatabaseAddress, text: string): Promise<unknown[]> {
  const client = new pg.Client(clientConfig(address))
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}
