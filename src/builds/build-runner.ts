import type { Logger } from 'pino'
import type { BuilderConfig } from '../config/types.ts'
import { isConnectionFailure } from '../db/connection-failure.ts'
import type { Work } from '../db/group-commit.ts'
import type { Place, Worker } from '../fleet/worker.ts'
import type { Result } from '../model/results.ts'
import { backoff } from '../util/backoff.ts'
import type { BuildTools } from './build-tools.ts'
import type { LatentHooks } from './latent-hooks.ts'
import type { PendingRequest } from './pending-queue.ts'
import { resumeBuild } from './resume-build.ts'
import { RunningBuild, type BuildOutcome } from './running-build.ts'
import { storeClaim } from './store-claim.ts'
import { storeBuildEnd } from './store-result.ts'
import { storeSurely } from './store-surely.ts'
import type { UnfinishedBuild } from './take-up.ts'

export interface BuildRunnerOptions {
  readonly tools: BuildTools
  readonly log: Logger
  readonly master: { readonly id: string; readonly epoch: number }
  readonly builders: ReadonlyMap<string, BuilderConfig>
  readonly maxInfraRetries: number
  /** Takes a request back that is to have another build. */
  readonly again: (request: PendingRequest) => void
  /** A place on a worker is free again. */
  readonly freed: (worker: Worker) => void
  readonly latent: LatentHooks
}

/** Sees each build through: from the claim of its request to its stored end. */
export class BuildRunner {
  readonly #o: BuildRunnerOptions
  readonly running = new Map<number, RunningBuild>()
  /** By request id: from leaving the queue until the end of its build is stored. */
  readonly #inFlight = new Map<number, Promise<void>>()
  readonly #claiming = new Map<number, Promise<RunningBuild | undefined>>()
  readonly #stopping = new AbortController()
  /** By request id: of builds that have just ended. */
  readonly #results = new Map<number, Result>()

  constructor(options: BuildRunnerOptions) {
    this.#o = options
  }

  /** Whether any request is on its way through a build. */
  get busy(): boolean {
    return this.#inFlight.size > 0
  }

  /** Those that are on their way through a build. */
  get requests(): Iterable<number> {
    return this.#inFlight.keys()
  }

  /** Whether a request is on its way through a build. */
  knows(requestId: number): boolean {
    return this.#inFlight.has(requestId)
  }

  /** The build that a request is in, also when it is only just being claimed. */
  async buildOf(requestId: number): Promise<RunningBuild | undefined> {
    return this.#claiming.get(requestId)?.catch(() => undefined)
  }

  /** Resolves when the build of the request has ended and that is stored. */
  async settled(requestId: number): Promise<void> {
    await this.#inFlight.get(requestId)
  }

  /** Claims a request and runs its build at this place. */
  start(request: PendingRequest, place: Place): void {
    void this.#follow(request, place, () => this.#claim(request, place))
  }

  /** Runs a build on that an earlier master began. */
  resume(stored: UnfinishedBuild, request: PendingRequest, place: Place): void {
    const { builders, tools } = this.#o
    const builder = builders.get(stored.builder)
    const open = stored.steps.flatMap((step) => step.stored.commands).filter((c) => c.result === null)
    const commands = open.map((command) => command.id)
    tools.commands.expect(commands)
    tools.locks.takeBack(stored, builder ?? {}, place.worker)
    void this.#follow(request, place, async () => {
      const running = resumeBuild(stored, { builder, place, request, tools })
      this.#started(running)
      if (stored.cancelReason !== null) running.cancel(stored.cancelReason)
      return running
    }).then(() => tools.commands.expectNoMore(commands))
  }

  /** Ends a build whose worker is no longer in the config, and has no command that may still run. */
  endGone(stored: UnfinishedBuild, request: PendingRequest): void {
    const gone = this.#endGone(stored, request).finally(() => this.#inFlight.delete(request.id))
    this.#inFlight.set(request.id, gone)
  }

  /** An agent wants to end; with `cancel` it does not wait for its builds. */
  drain(worker: Worker, cancel: boolean): void {
    const cancelIt = (build: RunningBuild | undefined) => {
      if (build?.place.worker === worker) build.cancel('the agent is shutting down')
    }
    // Also those that are only just being claimed.
    if (cancel) for (const claiming of this.#claiming.values()) claiming.then(cancelIt, () => {})
    this.#sayDrained(worker)
  }

  /** Lets go of what runs, and waits until what has ended is stored. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    for (const build of this.running.values()) build.leave()
    await Promise.allSettled(this.#inFlight.values())
  }

  // Never rejects.
  #follow(
    request: PendingRequest,
    place: Place,
    begin: () => Promise<RunningBuild | undefined>,
  ): Promise<void> {
    const { worker } = place
    const done = this.#see(request, begin).finally(() => {
      this.#inFlight.delete(request.id)
      worker.places.delete(place)
      if (worker.instanceId !== null) this.#o.latent.ended(worker, this.#results.get(request.id))
      this.#results.delete(request.id)
      this.#o.tools.locks.release(request.id)
      this.#sayDrained(worker)
      this.#o.freed(worker)
    })
    this.#inFlight.set(request.id, done)
    return done
  }

  /** Tells an agent that wants to end, once nothing of it runs any more. */
  #sayDrained(worker: Worker): void {
    if (worker.session?.draining && worker.places.size === 0) worker.session.send({ type: 'drained' })
  }

  // Never rejects.
  async #see(request: PendingRequest, begin: () => Promise<RunningBuild | undefined>): Promise<void> {
    const { log, tools } = this.#o
    let running: RunningBuild | undefined
    try {
      const claiming = begin()
      this.#claiming.set(request.id, claiming)
      running = await claiming
      if (!running) return
      const outcome = await running.run()
      if (outcome !== 'left') await this.#end(running, outcome)
    } catch (error) {
      const facts = { request: request.id, build: running?.claimed.id }
      if (isPlaceTaken(error)) log.warn(facts, 'its place is held by a build of a master that may still live')
      else log.error({ err: error, ...facts }, 'a build could not be stored')
      // Not begun: later. Not ended: this master stops, and the next one takes the row back.
      if (!running && !this.#stopping.signal.aborted)
        this.#o.again({ ...request, notBefore: tools.clock.now() + 5000 })
    } finally {
      this.#claiming.delete(request.id)
      if (running) this.running.delete(running.claimed.id)
    }
  }

  async #claim(request: PendingRequest, place: Place): Promise<RunningBuild | undefined> {
    const { builders, master, tools } = this.#o
    const builder = builders.get(request.builder)!
    const runId = place.worker.session!.runId
    const claim = { requestId: request.id, builder, place, runId, master }
    const claimed = await this.#store((trx) => storeClaim(trx, claim), isConnectionFailure)
    if (!claimed) return undefined
    const running = new RunningBuild({ claimed, request, place, runId, builder, tools })
    this.#started(running)
    if (place.worker.instanceId !== null) this.#o.latent.began(place.worker)
    const { attempt, id } = claimed
    const facts = { build: id, request: request.id, builder: builder.name }
    tools.publish({ type: 'request.claimed', ...facts })
    tools.publish({ type: 'build.started', ...facts, worker: place.worker.name, attempt })
    return running
  }

  #started(running: RunningBuild): void {
    running.place.buildId = running.claimed.id
    this.#o.tools.locks.built(running.request.id, running.facts)
    this.running.set(running.claimed.id, running)
    if (this.#stopping.signal.aborted) running.leave()
  }

  async #end(running: RunningBuild, outcome: BuildOutcome): Promise<void> {
    const { master, maxInfraRetries, tools } = this.#o
    const { attempt, buildsetId, id, infraFailures, requestId } = running.claimed
    const { worker } = running.place
    const counts = outcome.again === 'counted'
    const again = counts ? infraFailures < maxInfraRetries : outcome.again === 'free'
    const result = counts && !again ? 'EXCEPTION' : outcome.result
    const summary =
      result === outcome.result ? outcome.summary : `gave up after ${attempt} attempts: ${outcome.summary}`
    const notBefore = tools.clock.now() + (counts ? backoff(infraFailures, retryDelay) : 0)
    const end = { buildId: id, requestId, buildsetId, result, summary, epoch: master.epoch }
    const retry = { notBefore: new Date(notBefore), avoidWorkerId: counts ? worker.rowId : null, counts }
    const stored = await this.#store((trx) => storeBuildEnd(trx, again ? { ...end, retry } : end))
    if (!stored) return
    this.#results.set(requestId, result)
    const facts = { request: requestId, builder: running.facts.builder, result }
    tools.publish({ type: 'build.finished', build: id, worker: worker.name, ...facts })
    if (!again) tools.publish({ type: 'request.completed', ...facts })
    else {
      const avoidWorker = counts ? worker.name : undefined
      this.#o.again({ ...running.request, notBefore, avoidWorker })
    }
  }

  // Never rejects.
  async #endGone(
    { buildsetId, id, instance, requestId, worker }: UnfinishedBuild,
    request: PendingRequest,
  ): Promise<void> {
    const { log, master, tools } = this.#o
    const summary =
      instance === null ? `worker "${worker}" is no longer in the config` : `instance ${instance} is gone`
    const end = { buildId: id, requestId, buildsetId, result: 'RETRY', summary, epoch: master.epoch } as const
    const retry = { notBefore: new Date(0), avoidWorkerId: null, counts: false }
    try {
      if (!(await this.#store((trx) => storeBuildEnd(trx, { ...end, retry })))) return
      tools.publish({
        type: 'build.finished',
        build: id,
        request: requestId,
        builder: request.builder,
        worker,
        result: 'RETRY',
      })
      this.#o.again(request)
    } catch (error) {
      log.error({ err: error, build: id }, 'a build could not be stored')
    }
  }

  #store<T>(work: Work<T>, again?: (error: unknown) => boolean): Promise<T> {
    return storeSurely(work, this.#o.tools, this.#stopping.signal, again)
  }
}

// A worker that came here from another master, or from one that died a moment ago.
function isPlaceTaken(error: unknown): boolean {
  return (error as { constraint?: unknown }).constraint === 'builds_one_per_slot'
}

/** Milliseconds: a broken worker is given a moment, a whole fleet is not hammered. */
const retryDelay = { initial: 1000, max: 60_000 }
