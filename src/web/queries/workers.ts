import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { ApiWorker } from '../api.ts'
import type { FleetService, ShownWorker } from '../services.ts'

/** The config's workers, in the order given, with what the fleet and the database know of them. */
export async function describeWorkers(
  db: Kysely<Database>,
  fleet: FleetService,
  configs: readonly ShownWorker[],
): Promise<ApiWorker[]> {
  if (configs.length === 0) return []
  const names = configs.map((config) => config.name)
  const rows = await selectWorkers(db).where('name', 'in', names).execute()
  const byName = new Map(rows.map((row) => [row.name, row]))
  return configs.map((config) => toApiWorker(config, fleet, byName.get(config.name)))
}

function selectWorkers(db: Kysely<Database>) {
  return db
    .selectFrom('workers')
    .select(['name', 'facts', 'admin_state', 'admin_reason', 'admin_by', 'admin_until', 'last_seen_at'])
}

type Row = Awaited<ReturnType<ReturnType<typeof selectWorkers>['executeTakeFirstOrThrow']>>

function toApiWorker(config: ShownWorker, fleet: FleetService, row: Row | undefined): ApiWorker {
  const status = fleet.status(config.name)
  return {
    name: config.name,
    kind: config.kind,
    connected: status?.connected ?? false,
    status: status?.sentence ?? 'not known yet',
    adminState: row?.admin_state ?? 'active',
    adminReason: row?.admin_reason ?? null,
    adminBy: row?.admin_by ?? null,
    adminUntil: row?.admin_until?.toISOString() ?? null,
    maxBuilds: config.maxBuilds,
    runningBuilds: [...(status?.runningBuilds ?? [])],
    address: status?.address ?? null,
    version: status?.version ?? null,
    connectedAt: status?.connectedAt?.toISOString() ?? null,
    lastSeenAt: row?.last_seen_at?.toISOString() ?? null,
    facts: row?.facts ?? null,
    properties: { ...config.properties },
  }
}
