import type { LatentHooks } from '../builds/latent-hooks.ts'
import type { LatentSide } from '../builds/latent-side.ts'
import { storeSurely } from '../builds/store-surely.ts'
import type { Work } from '../db/group-commit.ts'
import type { Worker } from '../fleet/worker.ts'
import type { InstanceLogins } from '../fleet/instance-logins.ts'
import { Backends } from './backends.ts'
import { Backoffs } from './backoffs.ts'
import { Budgets } from './budgets.ts'
import { Demand } from './demand.ts'
import { followFleet } from './follow-fleet.ts'
import { isRefused } from './is-refused.ts'
import { silentObserver } from './instance-observer.ts'
import type { LatentOptions } from './latent-options.ts'
import type { LatentSpec } from './latent-spec.ts'
import type { LatentTools } from './latent-tools.ts'
import { livingAt, livingOf, takeInstances } from './ledger.ts'
import type { LiveInstance } from './live-instance.ts'
import { Logins } from './logins.ts'
import type { OpenBackend } from './open-backend.ts'
import { Pool } from './pool.ts'
import { Pools } from './pools.ts'
import { Reconcile, type Finding } from './reconcile.ts'
import { RenderedTemplates } from './rendered-templates.ts'

/** The engine of latent workers: starts instances when requests wait, ends them when they are not needed, and never loses one. */
export class Latent {
  readonly hooks: LatentHooks
  readonly logins: InstanceLogins
  readonly #o: LatentOptions
  readonly #tools: LatentTools
  readonly #pools: Pools
  readonly backends: Backends
  readonly #watching: Promise<void>[] = []
  readonly #loops = new AbortController()
  readonly #planning = new AbortController()
  #planned: Promise<void> | undefined
  readonly #reconcile: Reconcile
  readonly #demand: Demand
  readonly #budgets: Budgets
  #side: LatentSide | undefined
  #orphansStopped = 0
  #held: string | undefined

  constructor(options: LatentOptions) {
    this.#o = options
    this.#held = options.held
    const { clock, db, fleet, images, log, master, observer, publish } = options
    this.#tools = {
      clock,
      log,
      master,
      publish,
      observer: observer ?? silentObserver,
      held: () => this.#held,
      backoffs: new Backoffs(clock),
      store: (work) => this.#store(work),
      disconnect: (worker, reason) => fleet.disconnect(worker, reason),
      end: (backend, instance) => images.end(backend, instance),
      lose: (worker, reason) => this.#side?.lose(worker, reason),
      blamed: (...failure) => this.#demand.blamed(...failure),
      soon: (backend) => this.#reconcile.soon(backend),
    }
    this.backends = new Backends({
      clock,
      log,
      context: { ...options.context, cluster: options.cluster },
      signal: this.#loops.signal,
      onOpened: (backend) => {
        if (this.#side) this.#watch(backend)
      },
    })
    this.#pools = new Pools({
      log,
      backend: (key) => this.backends.get(key),
      make: (spec, backend, worker = fleet.get(spec.name)!) => this.#makePool(spec, backend, worker),
      reconfigure: (pool, spec) => pool.reconfigure(spec, this.#templatesOf(spec)),
    })
    this.#demand = new Demand({
      tools: this.#tools,
      pools: () => this.#pools.current,
      builders: options.builders,
      isOther: (name) => {
        const kind = fleet.get(name)?.spec.kind
        return kind !== undefined && kind !== 'latent'
      },
      side: () => this.#side,
    })
    this.#budgets = new Budgets({
      clock,
      db,
      log,
      pools: () => this.#pools.current.values(),
      changed: () => this.#demand.wake(),
    })
    this.#reconcile = new Reconcile({
      ...options,
      interval: options.sweepInterval * 1000,
      grace: options.orphanGrace * 1000,
      living: (backend) => this.live.filter((instance) => instance.backend === backend),
      known: (ids) => livingOf(db, ids),
      allKnown: (backend) => livingAt(db, backend),
      held: () => this.#held,
      stopped: (count) => (this.#orphansStopped += count),
    })
    const hooks = this.#demand.hooks((worker) => this.#pools.instance(worker.instanceId))
    this.hooks = { ...hooks, takeOver: () => this.#takeOver() }
    this.logins = new Logins({
      ...options,
      tools: this.#tools,
      instance: (id) => this.#pools.instance(id),
      resetOf: (name) => this.#pools.current.get(name)?.spec.reset ?? null,
      adopt: (stored) => this.#pools.adopt(stored),
    })
    followFleet(fleet, (id) => this.#pools.instance(id))
  }

  /** Every instance that this master looks after. */
  get live(): LiveInstance[] {
    return this.#pools.live
  }

  /** The config's latent workers. */
  get workers(): string[] {
    return [...this.#pools.current.keys()]
  }

  get orphansStopped(): number {
    return this.#orphansStopped
  }

  /** Why nothing is done to instances: whose they are is not known. */
  get held(): string | undefined {
    return this.#held
  }

  hold(reason: string): void {
    this.#held = reason
  }

  /** They are ours: looks after them from now on. */
  release(): void {
    this.#held = undefined
    for (const instance of this.live) instance.release()
    this.#pools.drain()
    for (const backend of this.backends.all) this.#reconcile.soon(backend)
    this.#demand.wake()
    this.#side?.wake()
  }

  /** Backends that cannot be listed now. */
  get troubles(): { backend: string; message: string; since: Date }[] {
    return this.backends.all.flatMap((backend) => {
      const trouble = this.#reconcile.trouble(backend)
      return trouble === undefined ? [] : [{ backend: backend.key, ...trouble }]
    })
  }

  /** What keeps a worker of the config from starting instances now, beside its admin. */
  hindrances(name: string): string[] {
    const pool = this.#pools.current.get(name)
    if (!pool) return []
    const trouble = this.#reconcile.trouble(pool.backend)
    return [
      ...[this.#held ?? pool.closed ?? []].flat(),
      ...(trouble === undefined ? [] : [`${pool.backend.key} cannot be listed: ${trouble.message}`]),
    ]
  }

  /** What is stored is known before the first agent may log in and the first build goes on. Nothing is asked of a provider yet. */
  async open(specs: readonly LatentSpec[]): Promise<void> {
    await this.configure(specs)
    await this.#store((trx) => this.#tools.backoffs.load(trx))
    await this.#takeOver()
  }

  /** Looks after everything from now on. */
  run(side: LatentSide): void {
    this.#side = side
    if (this.#held !== undefined) this.#o.log.warn(`every latent worker ${this.#held}`)
    for (const backend of this.backends.all) this.#watch(backend)
    this.#planned = this.#demand.watch(this.#planning.signal)
    this.#watching.push(this.#budgets.watch(this.#loops.signal))
    this.#pools.drain()
    this.#demand.wake()
  }

  /** Opens the backends that these need, all of them or none: then nothing of `configure` can fail. */
  async prepare(specs: readonly LatentSpec[]): Promise<void> {
    await this.backends.open(specs.map(({ backend }) => backend))
  }

  /** Takes over the config's latent workers. What runs of a changed or removed one finishes its builds and ends. */
  async configure(specs: readonly LatentSpec[]): Promise<void> {
    await this.prepare(specs)
    this.#pools.configure(specs)
    this.#budgets.soon()
    this.#demand.wake()
  }

  /** Of the config's workers, or what is left of theirs. */
  backend(key: string): OpenBackend | undefined {
    return this.backends.get(key)
  }

  /** Ends what no row knows now, and says what it was; with `dryRun` it only says. */
  async reap({ dryRun }: { dryRun: boolean }): Promise<Finding[]> {
    const found = this.backends.all.map((b) => this.#reconcile.sweep(b, { dryRun, patience: false }))
    return (await Promise.all(found)).flat()
  }

  /** Ends the idle instances, or what the config says, and leaves the others to the next master. */
  async close(): Promise<void> {
    const patience = this.#o.clock.sleep(shutdownPatience, this.#loops.signal).catch(() => {})
    // Nothing new is started in the place of what ends now.
    this.#planning.abort()
    await Promise.race([this.#planned, patience])
    for (const instance of this.live) this.#shutDown(instance)
    await Promise.race([Promise.all(this.live.map((instance) => instance.settled())), patience])
    this.#loops.abort()
    await this.backends.close()
    await Promise.all(this.#watching)
    await Promise.all(this.live.map((instance) => instance.leave()))
  }

  /** Another master may look after them from now on: nothing more is decided, stored or asked for. */
  abandon(): void {
    this.#held = "is another master's: this one has lost its lease"
    this.#planning.abort()
    this.#loops.abort()
  }

  /** Looks after the instances of masters that are gone from now on, and again after those of which something could not be stored. */
  async #takeOver(): Promise<void> {
    const before = new Map(this.live.map(({ adrift, facts }) => [facts.id, adrift]))
    const stored = await this.#store((trx) => takeInstances(trx, this.#o.master))
    const found = stored.filter(({ facts: { id } }) => !before.has(id) && !this.#pools.knows(id))
    for (const instance of found) this.#pools.adopt(instance)
    for (const one of stored) if (before.get(one.facts.id)) this.#pools.instance(one.facts.id)?.restore(one)
    if (found.length > 0 && this.#side) this.#pools.drain()
  }

  #makePool(spec: LatentSpec, backend: OpenBackend, worker: Worker): Pool {
    const { cluster, clusterKey, delivery, fleet, maxDisconnected } = this.#o
    return new Pool({
      spec,
      worker,
      backend,
      templates: this.#templatesOf(spec),
      fleet,
      tools: this.#tools,
      cluster,
      clusterKey,
      maxDisconnected: maxDisconnected * 1000,
      delivery,
      isKept: (id) => this.#demand.plan.kept.has(id),
      meantFor: (id) => this.#demand.plan.meantFor.get(id),
      started: () => this.#pools.drain(),
      ended: () => this.#budgets.soon(),
      changed: () => {
        this.#pools.tidy()
        this.#demand.wake()
        this.#side?.wake()
      },
    })
  }

  #templatesOf({ image, name, reset, template }: LatentSpec): RenderedTemplates {
    return new RenderedTemplates(template, {
      clock: this.#o.clock,
      reset,
      image: image && { ...image, current: (of) => this.#o.images.current(of) },
      propertiesOf: async (request) => this.#side?.propertiesOf(request, name),
      ready: () => {
        this.#demand.wake()
        this.#side?.wake()
      },
    })
  }

  #watch(backend: OpenBackend): void {
    this.#watching.push(this.#reconcile.watch(backend, this.#loops.signal))
  }

  #shutDown(instance: LiveInstance): void {
    const { onShutdown } = this.#pools.current.get(instance.facts.worker)?.spec ?? {}
    const busy = instance.worker.places.size > 0
    if (onShutdown === 'keep' || (busy && onShutdown !== 'stop')) return
    instance.handle({ type: 'forced', reason: 'the master is stopping' })
  }

  /** Tried until it works: an instance that is not looked after any more would cost money unseen. */
  #store<T>(work: Work<T>): Promise<T> {
    return storeSurely(work, this.#o, this.#loops.signal, (error) => !isRefused(error))
  }
}

/** Milliseconds that providers have to take the orders to stop. */
const shutdownPatience = 20_000
