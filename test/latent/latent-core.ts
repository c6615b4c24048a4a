import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import pino from 'pino'
import { ArtifactStore } from '../../src/builds/artifact-store.ts'
import { Builds } from '../../src/builds/builds.ts'
import type { ResolvedWorker } from '../../src/config/master-settings.ts'
import { resolveWorker } from '../../src/config/resolve-worker.ts'
import { SecretKeeper } from '../../src/config/secret-keeper.ts'
import type { BuilderConfig, WorkerConfig } from '../../src/config/types.ts'
import { GroupCommit, type Work } from '../../src/db/group-commit.ts'
import { registerMaster } from '../../src/db/register-master.ts'
import { Fleet } from '../../src/fleet/fleet.ts'
import { Login } from '../../src/fleet/login.ts'
import { WorkerAdmin } from '../../src/fleet/worker-admin.ts'
import type { BackendImages } from '../../src/latent/images/backend-images.ts'
import type { BackendContext, WorkerBackend } from '../../src/latent/backend.ts'
import { Latent } from '../../src/latent/latent.ts'
import type { Images } from '../../src/latent/images/images.ts'
import { openImages } from '../../src/open-images.ts'
import { imageSpecs, namedInTemplates, withImages } from '../../src/with-images.ts'
import type { ImageConfig } from '../../src/model/image.ts'
import type { EventBody } from '../../src/model/events.ts'
import type { PropertyValue } from '../../src/model/properties.ts'
import { latentSpecs } from '../../src/open-latent.ts'
import type { Clock } from '../../src/util/clock.ts'
import { untilAborted } from '../../workers/fake/until-aborted.ts'
import { workerSpec } from '../../src/worker-spec.ts'
import type { TestDatabase } from '../helpers/database.ts'

export interface LatentCoreOptions {
  /** No other master lives: theirs is taken over at once. Default true. */
  readonly only?: boolean
  readonly workers: readonly WorkerConfig[]
  readonly builders: readonly BuilderConfig[]
  readonly images?: readonly ImageConfig[]
  readonly clock: Clock
  /** Seconds. */
  readonly maxDisconnected?: number
  readonly sweepInterval?: number
  readonly orphanGrace?: number
  readonly maxInfraRetries?: number
  readonly configDir?: string
}

export const cluster = 'test-cluster'

/** A master without its web server and in this process: fleet, builds and the engine of latent workers over a real database. */
export class LatentCore {
  readonly database: Pick<TestDatabase, 'db'>
  readonly fleet: Fleet
  readonly builds: Builds
  readonly latent: Latent
  readonly images: Images
  readonly login: Login
  readonly admin: WorkerAdmin
  readonly events: EventBody[] = []
  readonly logged: { level: number; msg: string; [key: string]: unknown }[] = []
  /** Killed: nothing of it reaches database, provider or agents any more. */
  dead = false
  /** What is being stored now. */
  writing = 0
  /** Takes no more agents. */
  closing = false
  #builders: readonly BuilderConfig[]
  #specs: ReturnType<typeof imageSpecs> = []
  #named = new Set<string>()
  readonly #commit: GroupCommit
  readonly #loops = new AbortController()
  readonly #running: Promise<unknown>[] = []
  #closed: Promise<void> | undefined

  private constructor(
    database: Pick<TestDatabase, 'db'>,
    master: { id: string; epoch: number },
    o: LatentCoreOptions,
  ) {
    const { clock, maxDisconnected = 3600, maxInfraRetries = 3, orphanGrace = 60, sweepInterval = 10 } = o
    const sink = { write: (line: string) => void this.logged.push(JSON.parse(line)) }
    const log = pino({ level: 'info' }, sink)
    const publish = (event: EventBody) => void this.events.push(event)
    const { db } = database
    this.database = database
    this.#builders = o.builders
    this.#commit = new GroupCommit(db, { log })
    const commit = new Proxy(this.#commit, {
      get: (target, key) => {
        if (key === 'write')
          return <T>(work: Work<T>) =>
            this.dead ? new Promise<T>(() => {}) : this.#counted(target.write(work))
        const value: unknown = Reflect.get(target, key)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    // The agents of these tests do not lie about being there.
    const heartbeat = 1e6
    this.fleet = new Fleet({
      commit,
      master: { ...master, version: '0.0.0' },
      log,
      clock,
      heartbeat,
      maxDisconnected,
      publish,
    })
    const { fleet } = this
    const common = { db, commit, fleet, log, clock, publish, master, maxDisconnected }
    this.images = openImages({
      ...common,
      configDir: o.configDir ?? tmpdir(),
      latent: () => this.latent,
      builds: () => this.builds,
    })
    this.latent = new Latent({
      ...common,
      images: this.images,
      cluster,
      clusterKey: Buffer.alloc(32, 7),
      sweepInterval,
      orphanGrace,
      context: { configDir: tmpdir(), readSecret: () => '' },
      delivery: async () => ({ file: '/nowhere/agent.mjs', sha256: '', masters: ['ws://127.0.0.1:1'] }),
      builders: () => this.#builders,
      observer: { moved: () => {}, startFailed: () => {} },
    })
    this.builds = new Builds({
      ...common,
      latent: this.latent.hooks,
      builders: o.builders,
      maxInfraRetries,
      artifacts: { store: new ArtifactStore(tmpdir()), maxBytes: 0 },
      configDir: o.configDir ?? tmpdir(),
      secrets: { value: () => '' },
      maxLogSize: 1_000_000,
    })
    this.login = new Login({ fleet, log, clock, instances: this.latent.logins })
    this.admin = new WorkerAdmin({ fleet, commit, clock, log, publish })
    const { signal } = this.#loops
    this.#running.push(fleet.watch(signal), this.admin.watch(signal), this.builds.watch(signal))
  }

  static async open(database: Pick<TestDatabase, 'db'>, options: LatentCoreOptions): Promise<LatentCore> {
    const identity = { host: 'test', pid: process.pid, version: '0.0.0', only: options.only ?? true }
    const core = new LatentCore(database, await registerMaster(database.db, identity), options)
    const { builders, workers } = core.#settings(options.workers, options.builders, options.images)
    core.#builders = builders
    await core.images.open(core.#specs, core.#named)
    await core.fleet.configure(workers.map(workerSpec))
    await core.latent.open(latentSpecs(workers))
    await core.builds.configure(builders)
    await core.builds.open()
    core.latent.run(core.builds.latentSide)
    core.#running.push(core.images.watch(core.#loops.signal))
    return core
  }

  /** As `rouse reconfig` does it. */
  async configure(
    workerConfigs: readonly WorkerConfig[],
    given = this.#builders.filter(({ name }) => !name.includes(':')),
    images: readonly ImageConfig[] = [],
  ): Promise<void> {
    const { builders, workers } = this.#settings(workerConfigs, given, images)
    await this.fleet.configure(workers.map(workerSpec))
    await this.builds.configure(builders)
    this.#builders = builders
    await this.latent.configure(latentSpecs(workers))
    this.images.configure(this.#specs, this.#named)
  }

  #settings(
    workers: readonly WorkerConfig[],
    builders: readonly BuilderConfig[],
    images: readonly ImageConfig[] = [],
  ) {
    const settings = { workers: workers.map((worker) => resolved(mortal(worker, this))), builders, images }
    this.#specs = imageSpecs(settings)
    this.#named = namedInTemplates(settings)
    return withImages(settings, () => this.images)
  }

  async force(
    builder: string,
    properties: Record<string, PropertyValue> = {},
    priority = 0,
  ): Promise<number> {
    const submitted = await this.builds.submit({
      builders: [builder],
      source: { repository: '', branch: null, revision: randomUUID() },
      properties: Object.entries(properties).map(([name, value]) => ({
        name,
        value,
        source: 'force' as const,
      })),
      priority,
      reason: 'test',
      origin: 'force',
    })
    return submitted.requests[0]!.id
  }

  /** Why a request waits. */
  why(request: number): string | undefined {
    return this.builds.waiting(request)?.reason
  }

  /** As after SIGTERM. */
  close(): Promise<void> {
    this.#closed ??= this.#close(false)
    return this.#closed
  }

  /** As after SIGKILL, as far as anyone outside can see: nothing is stored or told any more. */
  kill(): Promise<void> {
    this.dead = true
    this.#closed ??= this.#close(true)
    return this.#closed
  }

  #counted<T>(write: Promise<T>): Promise<T> {
    this.writing++
    return write.finally(() => this.writing--)
  }

  async #close(killed: boolean): Promise<void> {
    this.#loops.abort()
    if (killed) {
      // What waits for a write never ends: only what holds resources is let go of.
      void this.latent.close()
      void this.builds.close()
    } else {
      await this.latent.close()
      this.closing = true
      await this.builds.close()
      await this.fleet.close('the master is stopping')
    }
    if (!killed) await Promise.all(this.#running)
    await this.#commit.close()
  }
}

/** A master that was killed asks its provider for nothing more. */
function mortal(worker: WorkerConfig, core: LatentCore): WorkerConfig {
  if (worker.kind !== 'latent') return worker
  const { backend: factory } = worker
  const open = async (context: BackendContext): Promise<WorkerBackend<unknown>> => {
    const backend = await factory.open(context)
    const lives = (signal: AbortSignal) => (core.dead ? untilAborted(signal) : undefined)
    return {
      listLag: backend.listLag,
      start: async (spec, o) => (await lives(o.signal)) ?? backend.start(spec, o),
      stop: async (id, o) => (await lives(o.signal)) ?? backend.stop(id, o),
      seal: async (id, o) => (await lives(o.signal)) ?? backend.seal!(id, o),
      reset: async (spec, o) => (await lives(o.signal)) ?? backend.reset!(spec, o),
      park: async (id, o) => (await lives(o.signal)) ?? backend.park!(id, o),
      list: async (o) => (await lives(o.signal)) ?? backend.list(o),
      ...(backend.images && { images: mortalImages(backend.images, lives) }),
      ...(backend.sweep && {
        sweep: async (known, o) => (await lives(o.signal)) ?? backend.sweep!(known, o),
      }),
      ...(backend.close && { close: () => backend.close!() }),
    }
  }
  return { ...worker, backend: { kind: factory.kind, key: factory.key, open } }
}

function mortalImages(
  images: BackendImages,
  lives: (signal: AbortSignal) => Promise<undefined> | undefined,
): BackendImages {
  return {
    identify: async (from, o) => (await lives(o.signal)) ?? images.identify(from, o),
    keep: async (id, image, o) => (await lives(o.signal)) ?? images.keep(id, image, o),
    list: async (o) => (await lives(o.signal)) ?? images.list(o),
    remove: async (ref, o) => (await lives(o.signal)) ?? images.remove(ref, o),
  }
}

function resolved(worker: WorkerConfig): ResolvedWorker {
  const keeper = new SecretKeeper({ env: {}, secretsDir: tmpdir() })
  return resolveWorker(worker, { dir: tmpdir(), dataDir: tmpdir(), keeper })
}
