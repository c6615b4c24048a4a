import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { WorkerFacts } from '../facts.ts'

/** What of the config is told of workers. */
export interface WorkersConfig {
  readonly workers: readonly {
    readonly name: string
    readonly kind: WorkerFacts['kind']
    readonly notifyOnMissing: readonly string[]
  }[]
  readonly builders: readonly { readonly name: string; readonly workers: readonly string[] }[]
}

export async function loadWorker(
  db: Kysely<Database>,
  config: WorkersConfig,
  name: string,
): Promise<WorkerFacts | undefined> {
  const configured = config.workers.find((worker) => worker.name === name)
  const row = await selectWorker(db, name)
  if (!configured && !row) return undefined
  const builders = config.builders.filter(({ workers }) => workers.includes(name)).map((one) => one.name)
  return {
    name,
    kind: configured?.kind ?? kindOf(row?.kind),
    notifyOnMissing: configured?.notifyOnMissing ?? [],
    admin: row?.facts?.admin ?? null,
    host: row?.facts?.host ?? null,
    hostname: row?.facts?.hostname ?? null,
    os: row?.facts?.os ?? null,
    lastAddress: row?.last_address ?? null,
    lastSeenAt: row?.last_seen_at ?? null,
    connected: row?.session != null,
    waiting: await waitingFor(db, builders),
  }
}

function selectWorker(db: Kysely<Database>, name: string) {
  return db
    .selectFrom('workers as w')
    .select(['w.kind', 'w.facts', 'w.last_address', 'w.last_seen_at'])
    .select((eb) =>
      eb
        .selectFrom('sessions as s')
        .select('s.id')
        .whereRef('s.worker_id', '=', 'w.id')
        .where('s.disconnected_at', 'is', null)
        .limit(1)
        .as('session'),
    )
    .where('w.name', '=', name)
    .executeTakeFirst()
}

async function waitingFor(
  db: Kysely<Database>,
  builders: readonly string[],
): Promise<WorkerFacts['waiting']> {
  if (builders.length === 0) return []
  const rows = await db
    .selectFrom('requests as r')
    .innerJoin('builders as b', 'b.id', 'r.builder_id')
    .select(['r.id', 'b.name as builder', 'r.submitted_at as submittedAt'])
    .where('r.state', '=', 'pending')
    .where('b.name', 'in', builders)
    .orderBy('r.id')
    .limit(maxWaiting)
    .execute()
  return rows
}

// A worker that has left the config has the kind it had.
function kindOf(stored: string | undefined): WorkerFacts['kind'] {
  return stored === 'local' || stored === 'latent' ? stored : 'static'
}

const maxWaiting = 100
