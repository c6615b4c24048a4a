import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import pino from 'pino'
import type { TestProject } from 'vitest/node'
import { clientConfig, type DatabaseSocket } from '../../src/db/database-address.ts'
import { startEmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts'
import { isAlive, isServerOf, readPostmasterPid } from '../../src/db/embedded/postmaster-pid.ts'
import { migrateDatabase } from '../../src/db/migrate.ts'
import { testSettings } from './test-settings.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A database with the whole schema and no rows, to be cloned. */
    template: DatabaseSocket
  }
}

/** One PostgreSQL for the whole run, in a folder that goes with it. */
export default async function globalSetup(project: TestProject): Promise<() => Promise<void>> {
  await removeLeftovers()
  const dataDir = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`))
  const log = pino({ level: 'warn' })
  const postgres = await startEmbeddedPostgres({ dataDir, log, settings: testSettings })

  const template = { ...postgres.address, database: 'template_rouse' } as DatabaseSocket
  const client = new pg.Client(clientConfig(postgres.address))
  await client.connect()
  await client.query(`create database ${template.database}`)
  await client.end()
  await migrateDatabase({ address: template, log })

  project.provide('template', template)
  return async () => {
    await postgres.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

// Of runs that were killed before they could stop theirs.
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, run] = name.startsWith(prefix) ? (/(\d+)-\w+$/.exec(name) ?? []) : []
    if (!run || isAlive(Number(run))) continue
    const dataDir = join(tmpdir(), name)
    const server = await readPostmasterPid(join(dataDir, 'postgres'))
    if (server && (await isServerOf(server.pid, join(dataDir, 'postgres'))))
      process.kill(server.pid, 'SIGKILL')
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
  }
}

const prefix = 'rouse-test-run-'
