import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { ApiWorker } from '../api.ts'
import type { ApiInstance } from '../instance-api.ts'
import { latentStatus } from '../latent-status.ts'
import type { FleetService, LatentService, ShownWorker, WorkerStatus } from '../services.ts'
import { liveInstancesOf } from './instances.ts'

/** The config's workers, in the order given, with what the fleet and the database know of them. */
export async function describeWorkers(
  db: Kysely<Database>,
  { fleet, latent }: { readonly fleet: FleetService; readonly latent: LatentService },
  configs: readonly ShownWorker[],
): Promise<ApiWorker[]> {
  if (configs.length === 0) return []
  const names = configs.map((config) => config.name)
  const rows = await selectWorkers(db).where('name', 'in', names).execute()
  const byName = new Map(rows.map((row) => [row.name, row]))
  const pools = configs.filter(({ kind }) => kind === 'latent').map(({ name }) => name)
  const instances = Map.groupBy(await liveInstancesOf(db, pools), ({ worker }) => worker)
  return configs.map((config) => {
    const { name } = config
    const own = instances.get(name) ?? []
    const status = fleet.status(name)
    const sentence = config.kind === 'latent' ? latentSentence(config, own, status, latent) : status?.sentence
    return { ...toApiWorker(config, status, byName.get(name)), status: sentence ?? unknown, instances: own }
  })
}

function selectWorkers(db: Kysely<Database>) {
  return db
    .selectFrom('workers')
    .select([
      'name',
      'facts',
      'admin_state',
      'admin_reason',
      'admin_by',
      'admin_until',
      'last_seen_at',
      'missing_since',
    ])
}

type Row = Awaited<ReturnType<ReturnType<typeof selectWorkers>['executeTakeFirstOrThrow']>>

// What an admin has said comes first, as with other workers; what keeps instances from starting comes last.
function latentSentence(
  { max = 1, name }: ShownWorker,
  instances: readonly ApiInstance[],
  status: WorkerStatus | undefined,
  latent: LatentService,
): string {
  const admin = status?.sentence ? [status.sentence] : []
  return [...admin, latentStatus(max, instances), ...latent.hindrances(name)].join('; ')
}

function toApiWorker(
  config: ShownWorker,
  status: WorkerStatus | undefined,
  row: Row | undefined,
): Omit<ApiWorker, 'instances' | 'status'> {
  return {
    name: config.name,
    kind: config.kind,
    connected: status?.connected ?? false,
    adminState: row?.admin_state ?? 'active',
    adminReason: row?.admin_reason ?? null,
    adminBy: row?.admin_by ?? null,
    adminUntil: row?.admin_until?.toISOString() ?? null,
    maxBuilds: config.maxBuilds,
    runningBuilds: [...(status?.runningBuilds ?? [])],
    address: status?.address ?? null,
    version: status?.version ?? null,
    connectedAt: status?.connectedAt?.toISOString() ?? null,
    missingSince: row?.missing_since?.toISOString() ?? null,
    lastSeenAt: row?.last_seen_at?.toISOString() ?? null,
    facts: row?.facts ?? null,
    properties: { ...config.properties },
  }
}

const unknown = 'not known yet'
