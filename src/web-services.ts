import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Builds } from './builds/builds.ts'
import type { Database } from './db/schema.ts'
import { adminObstacle } from './fleet/admin.ts'
import type { Fleet } from './fleet/fleet.ts'
import type { Login } from './fleet/login.ts'
import type { WorkerAdmin } from './fleet/worker-admin.ts'
import type { Latent } from './latent/latent.ts'
import type { EventSource } from './model/events.ts'
import type { Property } from './model/properties.ts'
import type { Reconfig } from './reconfig.ts'
import type { WindDown } from './wind-down.ts'
import type { Finding } from './latent/reconcile.ts'
import type { Worker } from './fleet/worker.ts'
import type { ForceInput, Reaped, WebServices, WorkerStatus } from './web/services.ts'

interface Parts {
  readonly reconfig: Reconfig
  readonly windDown: WindDown
  readonly db: Kysely<Database>
  readonly log: Logger
  readonly events: EventSource
  readonly builds: Builds
  readonly fleet: Fleet
  readonly latent: Latent
  readonly metrics: WebServices['metrics']
  readonly cluster: WebServices['cluster']
  readonly notices: WebServices['notices']
  readonly images: WebServices['images']
  readonly admin: WorkerAdmin
  readonly login: Login
  readonly artifactPath: WebServices['artifactPath']
  readonly agentBundle: WebServices['agentBundle']
  readonly nodeRuntime: WebServices['nodeRuntime']
  readonly ready: () => boolean
}

/** What page and API may do, on top of builds and fleet. */
export function webServices({
  admin,
  builds,
  fleet,
  latent,
  login,
  reconfig,
  windDown,
  ...parts
}: Parts): WebServices {
  return {
    ...parts,
    title: reconfig.settings.title,
    url: reconfig.settings.url,
    agentsUrl: reconfig.settings.agents.url,
    builders: () => reconfig.settings.builders,
    workers: () => reconfig.settings.workers,
    master: { reconfig: () => reconfig.reload(), windDown: (how) => windDown.begin(how) },
    queue: {
      force: async (input) => answer(await builds.submit(submission(input))),
      cancelRequest: (id, by) => builds.cancelRequest(id, by),
      waiting: (id) => builds.waiting(id),
    },
    builds: {
      cancelBuild: (id, by) => builds.cancelBuild(id, by),
      rebuild: async (id, by) => answer(await builds.rebuild(id, by)),
    },
    latent: {
      reap: async (how) => {
        const items = await latent.reap(how)
        const troubles = latent.troubles.map(({ backend, message }) => ({ backend, message }))
        return { items: items.map((finding) => reaped(finding, how.dryRun)), troubles }
      },
      hindrances: (name) => latent.hindrances(name),
      troubles: () => latent.troubles,
    },
    fleet: {
      authenticate: (attempt) => login.check(attempt),
      setAdmin: (name, wish) => admin.set(name, wish),
      accept: (worker, link, from) => fleet.accept(worker, link, from),
      status: (name) => {
        const worker = fleet.get(name)
        if (!worker) return undefined
        if (worker.spec.kind === 'latent') return statusOfPool(worker, fleet.roster.buildersOf(name))
        const { runningBuilds, sentence, session } = worker
        return {
          connected: session?.welcomed ?? false,
          sentence,
          runningBuilds,
          address: session?.address ?? null,
          version: session?.version ?? null,
          connectedAt: session?.connectedAt ?? null,
        }
      },
    },
  }
}

function statusOfPool({ admin }: Worker, instances: readonly Worker[]): WorkerStatus {
  const runningBuilds = instances.flatMap((instance) => instance.runningBuilds).sort((a, b) => a - b)
  return {
    connected: instances.some(({ session }) => session?.welcomed === true),
    // What its instances do is said of them.
    sentence: adminObstacle(admin, runningBuilds.length) ?? '',
    runningBuilds,
    address: null,
    version: null,
    connectedAt: null,
  }
}

function reaped({ backend, error, instance }: Finding, dryRun: boolean): Reaped {
  const { detail = null, id, ref, state, worker } = instance
  const ended = !dryRun && error === undefined
  return { id, worker, backend, ref, state, detail, ended, error: error ?? null }
}

function submission(input: ForceInput) {
  const properties = Object.entries(input.properties ?? {}).map(([name, value]): Property => ({
    name,
    value,
    source: 'force',
  }))
  return {
    builders: [input.builder],
    source: {
      repository: input.repository ?? '',
      branch: input.branch || null,
      revision: input.revision || null,
    },
    properties,
    priority: input.priority ?? 0,
    reason: input.reason ?? 'forced',
    origin: 'force' as const,
    // Nobody may take the place of what a build or a scheduler is about to request.
    ...(input.idempotencyKey === undefined ? {} : { idempotencyKey: `force:${input.idempotencyKey}` }),
  }
}

function answer({ buildsetId, requests }: { buildsetId: number; requests: readonly { id: number }[] }) {
  return { buildsetId, requestIds: requests.map((r) => r.id) }
}
