import { hostname } from 'node:os'
import { RouseError } from '../../model/errors.ts'
import { systemClock } from '../../util/clock.ts'
import type { DatabaseAddress } from '../database-address.ts'
import { openDedicatedConnection, type DedicatedConnection } from '../dedicated-connection.ts'
import { isAlive } from './postmaster-pid.ts'

export interface DataDirLock {
  /** Aborted when the lock is gone because its connection is. */
  readonly ended: AbortSignal
  release(): Promise<void>
}

/**
 * Makes this process the only master of an embedded database. The lock lives in a connection, so that it goes with a
 * killed master by itself. Throws ROUSE_DATA_DIR_IN_USE, naming the other master's pid and host.
 */
export async function lockDataDir(
  address: DatabaseAddress,
  { dataDir, signal }: { dataDir: string; signal: AbortSignal },
): Promise<DataDirLock> {
  const name = `${lockName} ${process.pid} ${hostname()}`
  const connection = await openDedicatedConnection(address, { name, signal })
  try {
    await tryUntilSure(connection, dataDir, signal)
  } catch (error) {
    await connection.close()
    throw error
  }
  return { ended: connection.ended, release: connection.close }
}

async function tryUntilSure(
  { client }: DedicatedConnection,
  dataDir: string,
  signal: AbortSignal,
): Promise<void> {
  const deadline = systemClock.now() + patience
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>(
      'select pg_try_advisory_lock($1, $2) as taken',
      lockKey,
    )
    if (rows[0]!.taken) return
    const holder = await findHolder(client)
    const surelyAlive =
      holder && holder.host === hostname().slice(0, holder.host.length) && isAlive(holder.pid)
    // PostgreSQL needs a moment to notice that a killed master is gone.
    if (!surelyAlive && systemClock.now() < deadline) await systemClock.sleep(50, signal)
    else {
      const who = holder ? `process ${holder.pid} on ${holder.host}` : 'a process that cannot be named'
      throw new RouseError('ROUSE_DATA_DIR_IN_USE', `another master runs on ${dataDir}: ${who}`)
    }
  }
}

async function findHolder(
  client: DedicatedConnection['client'],
): Promise<{ pid: number; host: string } | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `select application_name as name
     from pg_locks join pg_stat_activity using (pid)
     where locktype = 'advisory' and granted and classid = $1 and objid = $2
       and pg_locks.database = (select oid from pg_database where datname = current_database())`,
    lockKey,
  )
  const [, pid, host] = rows[0]?.name.match(/ (\d+) (.+)$/) ?? []
  return pid && host ? { pid: Number(pid), host } : undefined
}

const lockName = 'rouse master'
const lockKey = [7_271, 1]
const patience = 5_000
