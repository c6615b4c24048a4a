import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { openLocalAgent } from './agent/open-local-agent.ts'
import { Builds } from './builds/builds.ts'
import { EventLog } from './builds/event-log.ts'
import type { MasterSettings, ResolvedWorker } from './config/resolve-config.ts'
import { openDatabase } from './db/connection.ts'
import type { DatabaseAddress } from './db/database-address.ts'
import { startEmbeddedPostgres } from './db/embedded/embedded-postgres.ts'
import { GroupCommit } from './db/group-commit.ts'
import { keepLease } from './db/keep-lease.ts'
import { migrateDatabase } from './db/migrate.ts'
import { markMasterStopped, registerMaster } from './db/register-master.ts'
import { connectLocal } from './fleet/connect-local.ts'
import { Fleet } from './fleet/fleet.ts'
import { login } from './fleet/login.ts'
import type { WorkerSpec } from './fleet/worker-spec.ts'
import { writeMasterFile } from './master-file.ts'
import { messageOf } from './model/errors.ts'
import { version } from './model/version.ts'
import { runOnce } from './schedulers/run-once.ts'
import { systemClock } from './util/clock.ts'
import { Releasers } from './util/releasers.ts'
import { startWeb } from './web/server.ts'
import { webServices } from './web-services.ts'

export interface Master {
  /** Where page and API are. */
  readonly url: string
  /** Resolves with the reason when the master cannot go on; the caller then stops it. */
  readonly failed: Promise<string>
  /** Releases everything in reverse order. Safe to call twice. */
  stop(): Promise<void>
}

export interface StartOptions {
  readonly log: Logger
  /** Told what takes long: 'starting PostgreSQL'. */
  readonly progress?: (doing: string) => void
  readonly uiDir?: string
  /** Ends the start. A master that has started is ended with `stop`. */
  readonly signal?: AbortSignal
}

/** Composition root: opens every part in order and releases them in reverse. */
export async function startMaster(settings: MasterSettings, options: StartOptions): Promise<Master> {
  const releasers = new Releasers()
  try {
    return await openParts(settings, options, releasers)
  } catch (error) {
    await releasers
      .release()
      .catch((cause: unknown) => options.log.error({ err: cause }, 'could not clean up'))
    throw error
  }
}

async function openParts(
  settings: MasterSettings,
  options: StartOptions,
  releasers: Releasers,
): Promise<Master> {
  const { log, progress = () => {}, signal = new AbortController().signal, uiDir } = options
  const clock = systemClock
  const loops = new AbortController()
  const { promise: failed, resolve: fail } = Promise.withResolvers<string>()

  const address = await openServer(settings, { log, progress, signal, onLost: fail }, releasers)
  progress('opening the database')
  const database = await openDatabase({ address, log, signal })
  releasers.add('database', () => database.close())
  const { db } = database
  await migrateDatabase({ address, log, signal })
  signal.throwIfAborted()
  const only = settings.database.kind === 'embedded'
  const me = await registerMaster(db, { host: hostname(), pid: process.pid, version, only })
  releasers.add('registration', () => markMasterStopped(db, me.id))

  const commit = new GroupCommit(db, { log })
  releasers.add('writes', () => commit.close())
  const events = new EventLog({ log })
  const publish = (event: Parameters<EventLog['publish']>[0]) => void events.publish(event)
  const master = { id: me.id, epoch: me.epoch, version }
  const fleet = new Fleet({ commit, master, log, clock, heartbeat: settings.heartbeatSeconds, publish })
  const builds = new Builds({
    db,
    commit,
    fleet,
    log,
    clock,
    publish,
    master,
    builders: settings.builders,
    maxInfraRetries: settings.maxInfraRetries,
    maxDisconnected: settings.maxDisconnectedSeconds,
  })
  await fleet.configure(settings.workers.map(workerSpec))
  const running = [
    keepLease(db, { id: me.id, onLost: fail, log, signal: loops.signal }),
    fleet.watch(loops.signal),
    builds.watch(loops.signal),
  ]
  releasers.add('loops', async () => {
    loops.abort()
    await Promise.all(running)
  })
  releasers.add('agents', () => fleet.close('the master is stopping'))

  let ready = false
  const services = webServices({
    settings,
    db,
    log,
    events,
    builds,
    fleet,
    login: async (name, password, from) => login(fleet, log, name, password, from),
    ready: () => ready,
  })
  await builds.open()
  releasers.add('builds', () => builds.close())
  const web = await startWeb(services, {
    listen: settings.listen,
    agentsListen: settings.agents.listen,
    uiDir,
  })
  releasers.add('web server', () => web.close())
  releasers.add('address file', await writeMasterFile(settings.dataDir, { url: web.url, pid: process.pid }))
  for (const worker of settings.workers) {
    if (worker.kind === 'local') await openLocalWorker(worker, { fleet, log }, releasers)
  }
  for (const scheduler of settings.schedulers) await runOnce(db, builds, scheduler, log)
  ready = true
  releasers.add('readiness', () => {
    ready = false
    publish({ type: 'master.stopping' })
  })
  return { url: web.url, failed, stop: () => releasers.release() }
}

async function openServer(
  { database, dataDir }: MasterSettings,
  o: {
    log: Logger
    progress: (doing: string) => void
    signal: AbortSignal
    onLost: (reason: string) => void
  },
  releasers: Releasers,
): Promise<DatabaseAddress> {
  if (database.kind === 'url') return { url: database.url.value }
  const onLost = (error: unknown) => o.onLost(messageOf(error))
  const server = await startEmbeddedPostgres({
    dataDir,
    log: o.log,
    progress: o.progress,
    signal: o.signal,
    onLost,
  })
  releasers.add('PostgreSQL', () => server.stop())
  return server.address
}

async function openLocalWorker(
  { baseDir, name }: ResolvedWorker & { kind: 'local' },
  { fleet, log }: { fleet: Fleet; log: Logger },
  releasers: Releasers,
): Promise<void> {
  const agent = await openLocalAgent({
    baseDir,
    log: log.child({ worker: name }),
    connect: (attach) => connectLocal(fleet, name, attach),
  })
  // What runs goes on, as on other machines: the next master takes it up.
  releasers.add(`local worker ${name}`, () => agent.detach())
}

function workerSpec(worker: ResolvedWorker): WorkerSpec {
  const { defaultProperties, env, kind, maxBuilds, name, properties } = worker
  const common = { kind, name, maxBuilds, properties, defaultProperties, env }
  return worker.kind === 'static'
    ? { ...common, password: worker.password.value, keepaliveInterval: worker.keepaliveSeconds }
    : { ...common, keepaliveInterval: null }
}
