import type { Logger } from 'pino'
import type { BuilderConfig } from '../config/types.ts'
import { isConnectionFailure } from '../db/connection-failure.ts'
import type { Work } from '../db/group-commit.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Place, Worker } from '../fleet/worker.ts'
import { backoff } from '../util/backoff.ts'
import { chooseWorker, whyItWaits } from './choose-worker.ts'
import { PendingQueue, type PendingRequest } from './pending-queue.ts'
import type { BuildTools } from './build-tools.ts'
import { RunningBuild, type BuildOutcome } from './running-build.ts'
import { storeClaim } from './store-claim.ts'
import { storeBuildEnd } from './store-result.ts'

export interface DispatcherOptions {
  readonly tools: BuildTools
  readonly fleet: Fleet
  readonly log: Logger
  readonly master: { readonly id: string; readonly epoch: number }
  readonly builders: ReadonlyMap<string, BuilderConfig>
  readonly maxInfraRetries: number
}

/** Gives pending requests to free workers and sees each build through to its stored end. */
export class Dispatcher {
  readonly #o: DispatcherOptions
  readonly queue = new PendingQueue()
  readonly running = new Map<number, RunningBuild>()
  /** By request id: from leaving the queue until the end of its build is stored. */
  readonly #inFlight = new Map<number, Promise<void>>()
  readonly #claiming = new Map<number, Promise<RunningBuild | undefined>>()
  #timer: NodeJS.Timeout | undefined
  #waking = false
  #served = 0
  #stopped: string | undefined
  readonly #stopping = new AbortController()

  constructor(options: DispatcherOptions) {
    this.#o = options
  }

  /** Nothing happens when it is here already. */
  add(request: PendingRequest): void {
    if (!this.knows(request.id)) this.#enqueue(request)
  }

  /** Whether a request waits here or is on its way through a build. */
  knows(requestId: number): boolean {
    return this.queue.get(requestId) !== undefined || this.#inFlight.has(requestId)
  }

  /** Distributes in the next turn of the event loop. */
  wake(): void {
    if (this.#waking || this.#stopped !== undefined) return
    this.#waking = true
    setImmediate(() => {
      this.#waking = false
      this.#distribute()
    })
  }

  /** The build that a request is in, also when it is only just being claimed. */
  async buildOf(requestId: number): Promise<RunningBuild | undefined> {
    return this.#claiming.get(requestId)?.catch(() => undefined)
  }

  /** Resolves when the build of the request has ended and that is stored. */
  async settled(requestId: number): Promise<void> {
    await this.#inFlight.get(requestId)
  }

  /** Why a pending request waits, and its place among those of its builder. */
  waiting(id: number): { reason: string; position: number } | undefined {
    const request = this.queue.get(id)
    if (!request) return undefined
    const position = this.queue.position(id)!
    const backsOffFor = request.notBefore - this.#o.tools.clock.now()
    const { avoidWorker, builder } = request
    const reason = whyItWaits(this.#candidates(builder), { position, backsOffFor, avoid: avoidWorker })
    return { position, reason }
  }

  /** Starts nothing more, ends what runs as RETRY, and waits until that is stored. */
  async stop(reason: string): Promise<void> {
    this.#stopped = reason
    this.#stopping.abort()
    clearTimeout(this.#timer)
    for (const build of this.running.values()) build.abandon(reason)
    await Promise.allSettled(this.#inFlight.values())
  }

  #distribute(): void {
    if (this.#stopped !== undefined) return
    const now = this.#o.tools.clock.now()
    while (this.#startOne(now));
    clearTimeout(this.#timer)
    const next = this.queue.nextTime(now)
    if (next !== undefined) this.#timer = setTimeout(() => this.wake(), Math.min(next - now, 60_000))
  }

  #startOne(now: number): boolean {
    for (const request of this.queue.heads(now)) {
      const worker = chooseWorker(this.#candidates(request.builder), request.avoidWorker)
      if (!worker) continue
      this.queue.remove(request.id)
      this.queue.served(request.builder, ++this.#served)
      const place = worker.take(request.builder)
      const done = this.#see(request, place).finally(() => {
        this.#inFlight.delete(request.id)
        worker.places.delete(place)
        this.#sayDrained(worker)
        this.wake()
      })
      this.#inFlight.set(request.id, done)
      return true
    }
    return false
  }

  /** Tells an agent that wants to end, once nothing of it runs any more. */
  #sayDrained(worker: Worker): void {
    if (worker.session?.draining && worker.places.size === 0) worker.session.send({ type: 'drained' })
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

  // Never rejects.
  async #see(request: PendingRequest, place: Place): Promise<void> {
    const { log, tools } = this.#o
    let running: RunningBuild | undefined
    try {
      const claiming = this.#claim(request, place)
      this.#claiming.set(request.id, claiming)
      running = await claiming
      if (!running) return
      await this.#end(running, await running.run())
    } catch (error) {
      log.error(
        { err: error, request: request.id, build: running?.claimed.id },
        'a build could not be stored',
      )
      // Not begun: later. Not ended: this master stops, and the next one takes the row back.
      if (!running && this.#stopped === undefined)
        this.#enqueue({ ...request, notBefore: tools.clock.now() + 5000 })
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
    const claimed = await this.#insist(isConnectionFailure, (trx) => storeClaim(trx, claim))
    if (!claimed) return undefined
    place.buildId = claimed.id
    const running = new RunningBuild({ claimed, request, place, runId, builder, tools })
    this.running.set(claimed.id, running)
    const { attempt, id } = claimed
    const facts = { build: id, request: request.id, builder: builder.name }
    tools.publish({ type: 'request.claimed', ...facts })
    tools.publish({ type: 'build.started', ...facts, worker: place.worker.name, attempt })
    if (this.#stopped !== undefined) running.abandon(this.#stopped)
    return running
  }

  async #end(running: RunningBuild, outcome: BuildOutcome): Promise<void> {
    const { master, maxInfraRetries, tools } = this.#o
    const { attempt, buildsetId, id, requestId } = running.claimed
    const { worker } = running.place
    const again = outcome.infrastructure && attempt <= maxInfraRetries
    const result = outcome.infrastructure && !again ? 'EXCEPTION' : outcome.result
    const summary =
      result === outcome.result ? outcome.summary : `gave up after ${attempt} attempts: ${outcome.summary}`
    const stopping = this.#stopped !== undefined
    const notBefore = tools.clock.now() + (stopping ? 0 : backoff(attempt - 1, retryDelay))
    const end = { buildId: id, requestId, buildsetId, result, summary, epoch: master.epoch }
    const retry = { notBefore: new Date(notBefore), avoidWorkerId: stopping ? null : worker.rowId }
    const stored = await this.#insist(
      () => true,
      (trx) => storeBuildEnd(trx, again ? { ...end, retry } : end),
    )
    if (!stored) return
    const facts = { request: requestId, builder: running.facts.builder, result }
    tools.publish({ type: 'build.finished', build: id, worker: worker.name, ...facts })
    if (!again) tools.publish({ type: 'request.completed', ...facts })
    else if (!stopping) {
      const { builder, priority } = running.request
      this.#enqueue({ id: requestId, builder, priority, notBefore, avoidWorker: worker.name })
    }
  }

  // Whether a claim was stored must be known before another is made, and a build that ended must not seem to run for ever.
  // A database that stays away ends this master with its lease.
  async #insist<T>(again: (error: unknown) => boolean, work: Work<T>): Promise<T> {
    const { clock, commit, log } = this.#o.tools
    for (let attempt = 0; ; attempt++) {
      try {
        return await commit.write(work)
      } catch (error) {
        if (this.#stopped !== undefined || !again(error)) throw error
        log.error({ err: error }, 'a build could not be stored; trying again')
        await clock.sleep(backoff(attempt, storeDelay), this.#stopping.signal).catch(() => {})
      }
    }
  }

  #enqueue(request: PendingRequest): void {
    this.queue.add(request)
    this.wake()
  }

  #candidates(builder: string): Worker[] {
    return (this.#o.builders.get(builder)?.workers ?? []).flatMap((name) => this.#o.fleet.get(name) ?? [])
  }
}

/** Milliseconds: a broken worker is given a moment, a whole fleet is not hammered. */
const retryDelay = { initial: 1000, max: 60_000 }
const storeDelay = { initial: 1000, max: 30_000 }
