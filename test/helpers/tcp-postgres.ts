import { randomInt } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts'
import { queryOnce, startPostgres } from './embedded-postgres.ts'
import { tempDir } from './temp-dir.ts'
import { testSettings } from './test-settings.ts'
import { waitFor } from './wait-for.ts'

export interface TcpPostgres {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** As an administrator. */
  query(text: string): Promise<unknown[]>
  /** Ends the server with this signal and resolves when another one answers on the same address. */
  restart(signal: NodeJS.Signals): Promise<void>
}

/** A PostgreSQL server with a password on a loopback address of its own, as somebody else would run it; ends with the test. */
export async function startTcpPostgres(): Promise<TcpPostgres> {
  const dir = await tempDir()
  const host = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`
  const rules = join(dir, 'pg_hba.conf')
  await writeFile(rules, `local all all trust\nhost all all 127.0.0.0/8 scram-sha-256\n`, { mode: 0o644 })
  const settings = { ...testSettings, listen_addresses: host, hba_file: rules }
  const postgres: EmbeddedPostgres = await startPostgres(dir, { settings })
  const query = (text: string) => queryOnce(postgres.address, text)
  await query(`create role tester login password '${password}'`)
  await query('create database tested owner tester')
  return {
    host,
    port: 5432,
    user: 'tester',
    password,
    query: (text) => queryOnce({ ...postgres.address, database: 'tested' }, text),
    restart: async (signal) => {
      const { pid } = postgres
      process.kill(pid, signal)
      await waitFor(
        'another server',
        async () => postgres.pid !== pid && (await query('select 1')).length === 1,
      )
    },
  }
}

const password = 'n0t-to-be-sh0wn'
