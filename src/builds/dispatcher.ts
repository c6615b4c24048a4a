import type { Logger } from 'pino'
import type { BuilderConfig } from '../config/types.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Worker } from '../fleet/worker.ts'
import { BuildRunner } from './build-runner.ts'
import type { BuildTools } from './build-tools.ts'
import { chooseWorker, freeWorkers, whyItWaits } from './choose-worker.ts'
import { HookedBuilder, mostShown, type Offer } from './hooked-builder.ts'
import type { LatentHooks } from './latent-hooks.ts'
import { PendingQueue, type PendingRequest } from './pending-queue.ts'
import { requestOf } from './resume-build.ts'
import type { UnfinishedBuild } from './take-up.ts'

export interface DispatcherOptions {
  readonly tools: BuildTools
  readonly fleet: Fleet
  readonly log: Logger
  readonly master: { readonly id: string; readonly epoch: number }
  readonly builders: ReadonlyMap<string, BuilderConfig>
  readonly maxInfraRetries: number
  readonly latent: LatentHooks
  /** Told of a worker that is no longer in the config and has a build to finish. */
  readonly onRecalled: (worker: Worker) => void
}

/** A request and the workers that could build it now, the best first. */
interface Ready {
  readonly request: PendingRequest
  readonly workers: readonly Worker[]
}

/** Gives pending requests to free workers, in the order of the queue. */
export class Dispatcher {
  readonly #o: DispatcherOptions
  readonly queue = new PendingQueue()
  readonly runner: BuildRunner
  readonly #hooked = new Map<string, HookedBuilder>()
  /** What waits for the next start of the master. */
  readonly #parked = new PendingQueue()
  #held = false
  #timer: NodeJS.Timeout | undefined
  #waking = false
  #served = 0
  #stopped = false

  constructor(options: DispatcherOptions) {
    this.#o = options
    this.runner = new BuildRunner({
      ...options,
      again: (request) => this.#enqueue(request),
      freed: (worker) => {
        options.fleet.freed(worker)
        this.wake()
      },
    })
  }

  /** From now on only what a build waits for starts, so that those that run can end. */
  hold(): void {
    this.#held = true
    for (const request of [...this.queue.values()]) {
      if (request.waitedFor) continue
      this.remove(request.id)
      this.#parked.add(request)
    }
  }

  /** Nothing happens when it is here already. */
  add(request: PendingRequest): void {
    if (!this.knows(request.id)) this.#enqueue(request)
  }

  /** Whether any request is on its way through a build. */
  get busy(): boolean {
    return this.runner.busy
  }

  /** Whether a request waits here or is on its way through a build. */
  knows(requestId: number): boolean {
    return this.#waitingIn(requestId) !== undefined || this.runner.knows(requestId)
  }

  get known(): Set<number> {
    return new Set([...this.queue.ids, ...this.#parked.ids, ...this.runner.requests])
  }

  /** Takes a request out of the queue and returns it; undefined when it does not wait here. */
  remove(requestId: number): PendingRequest | undefined {
    const queue = this.#waitingIn(requestId)
    const request = queue?.get(requestId)
    queue?.remove(requestId)
    if (request) this.#o.tools.locks.release(requestId)
    return request
  }

  /** Distributes in the next turn of the event loop. */
  wake(): void {
    if (this.#waking || this.#stopped) return
    this.#waking = true
    setImmediate(() => {
      this.#waking = false
      this.#distribute()
    })
  }

  /** Why a pending request waits, and its place among those of its builder. */
  waiting(id: number): { reason: string; position: number } | undefined {
    const queue = this.#waitingIn(id)
    if (!queue) return undefined
    const request = queue.get(id)!
    const position = queue.position(id)!
    if (queue === this.#parked)
      return { position, reason: 'waits for the next start: the master is being stopped' }
    if (!this.#o.builders.has(request.builder))
      return { position, reason: 'waits until its builder is in the config again' }
    const backsOffFor = request.notBefore - this.#o.tools.clock.now()
    const { avoidWorker, builder } = request
    const heldUp = this.#o.tools.locks.reason(id) ?? this.#hookedOf(builder)?.reason(id)
    const started = this.#o.latent.reason(id) ?? this.#behind(builder, position)
    const facts = { position, backsOffFor, avoid: avoidWorker, heldUp, started }
    const reason = whyItWaits(this.#candidates(request), facts)
    return { position, reason }
  }

  /** Instances are planned for the first of a builder's requests only. */
  #behind(builder: string, position: number): string | undefined {
    const { builders, fleet } = this.#o
    const isLatent = (name: string) => fleet.get(name)?.spec.kind === 'latent'
    if (!builders.get(builder)?.workers.some(isLatent)) return undefined
    return position > 1
      ? `${position - 1} requests of its builder come first`
      : 'an instance is about to be chosen for it'
  }

  /** Requests of a builder that neither back off nor wait for a lock or a function of the config. */
  waitingForWorkers(builder: string, limit: number): PendingRequest[] {
    if (this.#stopped) return []
    const { clock, locks } = this.#o.tools
    const held = ({ id, notBefore }: PendingRequest) => notBefore > clock.now() || locks.waits(id)
    const hooked = this.#hookedOf(builder)
    return this.queue
      .first(builder, limit)
      .filter((request) => !held(request) && hooked?.reason(request.id) === undefined)
  }

  /** Goes on with builds that earlier masters have left unfinished. */
  takeUp(unfinished: readonly UnfinishedBuild[]): void {
    for (const stored of unfinished) {
      if (this.knows(stored.requestId)) continue
      const request = requestOf(stored)
      const { instance } = stored
      const { roster } = this.#o.fleet
      const worker =
        instance === null
          ? (roster.admitted(stored.worker) ?? this.#recall(stored))
          : roster.instance(instance)
      if (worker) this.runner.resume(stored, request, worker.hold(stored.builder, stored.slot))
      else this.runner.endGone(stored, request)
    }
  }

  /** Starts nothing more, lets go of what runs, and waits until what has ended is stored. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await Promise.all([...this.#hooked.values()].map((hooked) => hooked.stop()))
    await this.runner.stop()
  }

  /** Undefined when nothing of the build can be running on its worker any more, which is not in the config. */
  #recall({
    id: build,
    steps,
    worker: name,
    workerId: id,
    workerKind: kind,
  }: UnfinishedBuild): Worker | undefined {
    const { fleet, log, onRecalled, tools } = this.#o
    if (steps.every((step) => step.stored.commands.every((command) => command.result !== null)))
      return undefined
    const worker = fleet.roster.recall({ id, kind, name }, tools.clock.now())
    log.warn(
      { worker: name, build },
      'a worker that is no longer in the config may still run a command: its build waits',
    )
    onRecalled(worker)
    return worker
  }

  #distribute(): void {
    if (this.#stopped) return
    const now = this.#o.tools.clock.now()
    while (this.#startOne(now));
    this.#o.latent.distributed()
    clearTimeout(this.#timer)
    const next = this.#nextTime(now)
    if (next < Infinity) this.#timer = setTimeout(() => this.wake(), Math.min(next - now, 60_000))
  }

  /** When something may start although nothing happens. */
  #nextTime(now: number): number {
    const rests = [...this.#hooked.values()].map(({ restsUntil = 0 }) =>
      restsUntil > now ? restsUntil : Infinity,
    )
    return Math.min(this.queue.nextTime(now) ?? Infinity, ...rests)
  }

  #startOne(now: number): boolean {
    const { builders, tools } = this.#o
    const { locks, publish } = tools
    for (const { request, workers } of this.#ready(now)) {
      const { builder, id } = request
      const waited = locks.waits(id)
      const worker = locks.takeForRequest(request, builders.get(builder) ?? {}, workers)
      if (!worker) {
        if (!waited) publish({ type: 'request.waiting', request: id, builder, reason: locks.reason(id)! })
        continue
      }
      this.#hookedOf(builder)?.started()
      this.queue.remove(id)
      this.queue.served(builder, ++this.#served)
      this.runner.start(request, worker.take(builder))
      return true
    }
    return false
  }

  /** Requests that have a worker, in the order in which they are to be served. */
  #ready(now: number): Iterable<Ready> {
    const { locks } = this.#o.tools
    if (!locks.someoneWaits) return this.#choices(now)
    const ready = [...this.#choices(now)]
    locks.letPass(new Set(ready.map(({ request }) => request.id)))
    return ready
  }

  *#choices(now: number): Iterable<Ready> {
    for (const head of this.queue.heads(now)) {
      const choice = this.#choice(now, head)
      if (choice) yield choice
    }
  }

  #choice(now: number, head: PendingRequest): Ready | undefined {
    const hooked = this.#hookedOf(head.builder)
    if (hooked) return hooked.choice(now, this.#offer(head.builder))
    const workers = this.#candidates(head)
    const first = chooseWorker(workers, head.avoidWorker)
    if (!first) return undefined
    const unlocked = !this.#o.builders.get(head.builder)?.locks && first.spec.locks.length === 0
    return { request: head, workers: unlocked ? [first] : freeWorkers(workers, head.avoidWorker) }
  }

  /** Set for builders whose config, as it is now, has functions that choose. */
  #hookedOf(builder: string): HookedBuilder | undefined {
    const { builders, tools } = this.#o
    const config = builders.get(builder)
    if (!(config?.nextBuild ?? config?.nextWorker ?? config?.canStartBuild)) return undefined
    let hooked = this.#hooked.get(builder)
    if (!hooked) {
      hooked = new HookedBuilder({
        hooks: () => builders.get(builder) ?? {},
        builder,
        tools,
        answered: () => this.wake(),
      })
      this.#hooked.set(builder, hooked)
    }
    return hooked
  }

  #offer(builder: string): Offer {
    return {
      requests: () => this.queue.first(builder, mostShown),
      workersFor: (request) => freeWorkers(this.#candidates(request), request.avoidWorker),
    }
  }

  #enqueue(request: PendingRequest): void {
    if (this.#held && !request.waitedFor) return this.#parked.add(request)
    this.queue.add(request)
    this.wake()
  }

  #waitingIn(id: number): PendingQueue | undefined {
    return [this.queue, this.#parked].find((queue) => queue.get(id) !== undefined)
  }

  #candidates({ builder, id }: PendingRequest): Worker[] {
    const { builders, fleet, latent } = this.#o
    const workers = (builders.get(builder)?.workers ?? []).flatMap((name) => fleet.roster.buildersOf(name))
    return workers.filter((worker) => worker.instanceId === null || latent.fits(id, worker))
  }
}
