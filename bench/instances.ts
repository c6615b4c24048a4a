import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql, type Kysely } from 'kysely'
import pino from 'pino'
import { openDatabase } from '../src/db/connection.ts'
import { startEmbeddedPostgres } from '../src/db/embedded/embedded-postgres.ts'
import { GroupCommit } from '../src/db/group-commit.ts'
import { migrateDatabase } from '../src/db/migrate.ts'
import type { Database } from '../src/db/schema.ts'
import { shell } from '../src/steps/shell.ts'
import { systemClock } from '../src/util/clock.ts'
import { Releasers } from '../src/util/releasers.ts'
import { waitFor } from '../test/helpers/wait-for.ts'
import { LatentCore } from '../test/latent/latent-core.ts'
import { MachineAgent } from '../test/latent/machine-agent.ts'
import { FakeCloud, fakeWorker } from '../workers/fake/index.ts'
import type { Row } from './row.ts'

const instances = 1000
/** Rows that one life of an instance stores, beside those of its build: requested, starting, attached ... gone. */
const states = 8

/** Lives of instances that cost nothing, each with one build, all at once, beside bare commits of as many states. */
export async function measureInstances(): Promise<Row> {
  const releasers = new Releasers()
  try {
    const db = await openBenchDatabase(releasers)
    const bare = await bareCommits(db)
    const life = await lives(db, releasers)
    return {
      claim: `the engine's work for the whole life of an instance with one build (${instances} at once)`,
      measured: `${(life / instances).toFixed(2)} ms for each, agents included`,
      limit: `${(bare / instances).toFixed(2)} ms to commit its ${states} states one after the other`,
      ratio: `${(life / bare).toFixed(1)} times the bare commits`,
    }
  } finally {
    await releasers.release()
  }
}

async function openBenchDatabase(releasers: Releasers): Promise<Kysely<Database>> {
  const log = pino({ level: 'silent' })
  const { signal } = new AbortController()
  const dataDir = await mkdtemp(join(tmpdir(), 'rouse-bench-'))
  releasers.add('folder', () => rm(dataDir, { recursive: true, force: true }))
  const lost = (error: unknown) => log.error({ err: error })
  const server = await startEmbeddedPostgres({ dataDir, log, progress: () => {}, signal, onLost: lost })
  releasers.add('PostgreSQL', () => server.stop())
  const { address } = server
  await migrateDatabase({ address, log, signal })
  const database = await openDatabase({ address, log, signal })
  releasers.add('database', () => database.close())
  return database.db
}

async function bareCommits(db: Kysely<Database>): Promise<number> {
  const commit = new GroupCommit(db, { log: pino({ level: 'silent' }) })
  await sql`create table bare (id int primary key, state text not null)`.execute(db)
  const began = performance.now()
  await Promise.all(
    Array.from({ length: instances }, async (_, id) => {
      for (let state = 0; state < states; state++)
        await commit.write((trx) =>
          sql`insert into bare values (${id}, ${String(state)})
            on conflict (id) do update set state = excluded.state`.execute(trx),
        )
    }),
  )
  const ms = performance.now() - began
  await commit.close()
  return ms
}

async function lives(db: Kysely<Database>, releasers: Releasers): Promise<number> {
  let core: LatentCore | undefined
  const cloud = new FakeCloud({
    boot: async (machine) => {
      const agent = new MachineAgent(machine, async () => 0)
      while (!machine.signal.aborted) {
        if (!agent.connected) await agent.connect(core!)
        await systemClock.sleep(1000, machine.signal).catch(() => {})
      }
    },
  })
  core = await LatentCore.open(
    { db },
    {
      workers: [fakeWorker('dock', { cloud, buildWaitTimeout: 0, instances: { max: instances } })],
      builders: [{ name: 'unit', workers: ['dock'], steps: [shell('true')] }],
      clock: systemClock,
      sweepInterval: 1,
    },
  )
  const { close } = core
  releasers.add('engine', close.bind(core))
  const began = performance.now()
  await Promise.all(Array.from({ length: instances }, () => core.force('unit')))
  const allGone = async () => {
    const rows = await db.selectFrom('instances').select('state').execute()
    return rows.length >= instances && rows.every(({ state }) => state === 'gone')
  }
  await waitFor('the end of all lives', allGone, { timeout: 300_000, interval: 100 })
  return performance.now() - began
}
