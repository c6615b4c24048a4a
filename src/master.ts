import { hostname } from 'node:os'
import { dirname } from 'node:path'
import type { Logger } from 'pino'
import { openAgentBundle } from './agent-bundle.ts'
import { ArtifactStore } from './builds/artifact-store.ts'
import { Builds } from './builds/builds.ts'
import { EventLog } from './builds/event-log.ts'
import { clusterService, heldCopy } from './cluster-service.ts'
import type { SettingsChanges } from './config/compare-settings.ts'
import type { MasterSettings } from './config/resolve-config.ts'
import { localBaseDir } from './config/resolve-worker.ts'
import { openDatabase } from './db/connection.ts'
import { GroupCommit } from './db/group-commit.ts'
import { keepLease } from './db/keep-lease.ts'
import { migrateDatabase } from './db/migrate.ts'
import { markMasterStopped, registerMaster } from './db/register-master.ts'
import { Fleet } from './fleet/fleet.ts'
import { Login } from './fleet/login.ts'
import { WorkerAdmin } from './fleet/worker-admin.ts'
import { imageService } from './image-service.ts'
import { LocalWorkers } from './local-workers.ts'
import { writeMasterFile } from './master-file.ts'
import { Metrics } from './metrics.ts'
import { messageOf } from './model/errors.ts'
import { version } from './model/version.ts'
import { LeaseLoss } from './lease-loss.ts'
import { openNodeRuntime } from './node-runtime.ts'
import { latentSpecs, openLatent } from './open-latent.ts'
import { openImages } from './open-images.ts'
import { openNotices, type Notices } from './open-notices.ts'
import { openLocalWorker } from './open-local-worker.ts'
import { openServer } from './open-server.ts'
import { Reconfig } from './reconfig.ts'
import { startSchedulers } from './start-schedulers.ts'
import { systemClock } from './util/clock.ts'
import { Releasers } from './util/releasers.ts'
import { startWeb } from './web/server.ts'
import { WindDown } from './wind-down.ts'
import { workerSpec } from './worker-spec.ts'
import { webServices } from './web-services.ts'
import { imageSpecs, namedInTemplates, withImages } from './with-images.ts'

export interface Master {
  /** Where page and API are. */
  readonly url: string
  /** Resolves with the reason when somebody asked to stop softly and nothing runs any more; the caller then stops it. */
  readonly windDown: Promise<string>
  /** Takes the config over as it is now. Throws what is wrong with it, and then nothing has changed. */
  reconfig(): Promise<SettingsChanges>
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
  /** Reads the config's files anew. Without it the master cannot be reconfigured. */
  readonly reload?: () => Promise<MasterSettings>
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
  given: MasterSettings,
  options: StartOptions,
  releasers: Releasers,
): Promise<Master> {
  const settings = withImages(given, () => images)
  const { log, progress = () => {}, signal = new AbortController().signal, uiDir } = options
  const clock = systemClock
  const loops = new AbortController()
  const loss = new LeaseLoss(log)
  const onLost = (reason: string) => loss.lose(reason)

  const address = await openServer(settings, { log, progress, signal, onLost }, releasers)
  progress('opening the database')
  const database = await openDatabase({ address, log, signal })
  releasers.add('database', () => database.close())
  const { db } = database
  await migrateDatabase({ address, log, signal })
  signal.throwIfAborted()
  const only = settings.database.kind === 'embedded'
  const me = await registerMaster(db, {
    host: hostname(),
    pid: process.pid,
    version,
    only,
    clusterName: settings.cluster,
  })
  releasers.add('registration', () =>
    markMasterStopped(db, me.id).catch((error: unknown) =>
      log.warn(`the database could not be told of the end; the lease ends by itself: ${messageOf(error)}`),
    ),
  )
  const lease = new AbortController()
  const kept = keepLease(db, { id: me.id, onLost, log, signal: lease.signal })
  releasers.add('lease', async () => {
    lease.abort()
    await Promise.all([kept, loss.settled()])
  })

  const commit = new GroupCommit(db, { log })
  releasers.add('writes', () => commit.close())
  const events = new EventLog({ log })
  const metrics = new Metrics({ clock, events })
  const publish = (event: Parameters<EventLog['publish']>[0]) => void events.publish(event)
  const master = { id: me.id, epoch: me.epoch, version }
  const fleet = new Fleet({
    commit,
    master,
    log,
    clock,
    heartbeat: settings.heartbeatSeconds,
    maxDisconnected: settings.maxDisconnectedSeconds,
    publish,
    onLeft: (name) => void locals.close(name),
  })
  loss.add('agents', (reason) => fleet.close(reason))
  const locals = new LocalWorkers((worker, own) => openLocalWorker(worker, { fleet, log }, own), log)
  const artifacts = new ArtifactStore(settings.dataDir)
  await artifacts.open()
  const agentBundle = openAgentBundle(settings)
  const nodeRuntime = openNodeRuntime()
  const started = Promise.withResolvers<void>()
  let notices: Notices
  const reconfig = new Reconfig({
    settings,
    load: options.reload && (async () => withImages(await options.reload!(), () => images)),
    clock,
    log,
    started: started.promise,
    apply: async (wanted) => {
      const { builders, schedulers, workers } = wanted
      const specs = latentSpecs(workers)
      await latent.prepare(specs)
      await fleet.configure(workers.map(workerSpec))
      await builds.configure(builders)
      await latent.configure(specs)
      images.configure(imageSpecs(wanted), namedInTemplates(wanted))
      await locals.open(workers)
      await startSchedulers(db, builds, schedulers, log)
      await notices.configure(wanted)
    },
  })
  const secretValue = (name: string) => reconfig.settings.secretValue(name)
  let agentUrls = (): readonly string[] => []
  const parts = { db, commit, fleet, log, clock, publish, master }
  const images = openImages({
    ...parts,
    configDir: dirname(settings.configFile),
    latent: () => latent,
    builds: () => builds,
  })
  await images.open(imageSpecs(settings), namedInTemplates(settings))
  const latent = await openLatent({
    ...parts,
    images,
    settings,
    cluster: me.cluster,
    held: me.isCopied ? heldCopy : undefined,
    builders: () => reconfig.settings.builders,
    agentBundle,
    nodeRuntime,
    observer: metrics.instances,
    agentUrls: () => agentUrls(),
    secretValue,
  })
  loss.add('instances', () => latent.abandon())
  const builds = new Builds({
    ...parts,
    latent: latent.hooks,
    builders: settings.builders,
    maxInfraRetries: settings.maxInfraRetries,
    maxDisconnected: settings.maxDisconnectedSeconds,
    artifacts: { store: artifacts, maxBytes: settings.maxArtifactSize },
    maxLogSize: settings.maxLogSize,
    configDir: dirname(settings.configFile),
    onRecalled: ({ name, spec }) => {
      const baseDir = localBaseDir(settings.dataDir, name)
      if (spec.kind === 'local') void started.promise.then(() => locals.recall({ name, baseDir }))
    },
    secrets: { value: secretValue },
  })
  metrics.watch({ builds, fleet, latent })
  const windDown = new WindDown({ builds, clock, log, signal: loops.signal })
  const admin = new WorkerAdmin({ fleet, commit, clock, log, publish })
  await fleet.configure(settings.workers.map(workerSpec))
  // Where the start goes on to fail; otherwise the engine closes them.
  releasers.add('backends', () => latent.backends.close())
  await latent.open(latentSpecs(settings.workers))
  const running = [
    fleet.watch(loops.signal),
    admin.watch(loops.signal),
    builds.watch(loops.signal),
    windDown.watch(),
  ]
  releasers.add('loops', async () => {
    loops.abort()
    await Promise.all(running)
  })
  releasers.add('agents', () => fleet.close('the master is stopping'))

  const login = new Login({ fleet, log, clock, instances: latent.logins })
  let ready = false
  const services = webServices({
    reconfig,
    windDown,
    db,
    log,
    events,
    builds,
    fleet,
    latent,
    images: imageService({ ...parts, builds, images, latent }),
    metrics: () => metrics.text(),
    cluster: clusterService({ db, log, latent, id: me.cluster, name: settings.cluster }),
    notices: { retry: (id) => notices.retry(id) },
    admin,
    login,
    agentBundle,
    nodeRuntime,
    artifactPath: (path) => artifacts.pathOf(path),
    ready: () => ready,
  })
  await builds.open()
  releasers.add('builds', () => builds.close())
  releasers.add('reconfig', () => reconfig.close())
  const web = await startWeb(services, {
    listen: settings.listen,
    agentsListen: settings.agents.listen,
    uiDir,
  })
  releasers.add('web server', () => web.close())
  loss.add('web server', () => web.close())
  agentUrls = () => {
    const listening = web.agentUrls()
    const own = settings.agents.url === undefined ? [] : [settings.agents.url]
    return [...own, ...(listening.length > 0 ? listening : own.length > 0 ? [] : [web.url])]
  }
  releasers.add('address file', await writeMasterFile(settings.dataDir, { url: web.url, pid: process.pid }))
  releasers.add('local workers', () => locals.closeAll())
  releasers.add('instances', () => latent.close())
  latent.run(builds.latentSide)
  running.push(images.watch(loops.signal))
  await locals.open(settings.workers)
  await startSchedulers(db, builds, settings.schedulers, log)
  notices = await openNotices({
    ...parts,
    pool: database.pool,
    only,
    events,
    cluster: me.cluster,
    artifactPath: (path) => artifacts.pathOf(path),
    settings: () => reconfig.settings,
    pageUrl: () => web.url,
  })
  releasers.add('notices', () => notices.close())
  loss.add('notices', () => notices.close())
  started.resolve()
  ready = true
  releasers.add('readiness', async () => {
    ready = false
    publish({ type: 'master.stopping' })
    // Before the others: nothing is to be opened after what opens it has ended.
    await reconfig.close()
  })
  return {
    url: web.url,
    failed: loss.lost,
    windDown: windDown.done,
    reconfig: () => reconfig.reload(),
    stop: () => releasers.release(),
  }
}
