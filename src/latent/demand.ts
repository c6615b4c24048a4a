import type { LatentHooks } from '../builds/latent-hooks.ts'
import type { LatentSide } from '../builds/latent-side.ts'
import type { PendingRequest } from '../builds/pending-queue.ts'
import type { Worker } from '../fleet/worker.ts'
import { messageOf } from '../model/errors.ts'
import { canonical } from './canonical.ts'
import { storeNoBackoff } from './backoffs.ts'
import type { LatentTools } from './latent-tools.ts'
import type { LiveInstance } from './live-instance.ts'
import { plan, type Plan, type PlannedPool, type PlannedRequest, type PlannedTemplate } from './plan.ts'
import type { Pool } from './pool.ts'
import { GivenUp } from './given-up.ts'

interface DemandOptions {
  readonly tools: LatentTools
  readonly pools: () => ReadonlyMap<string, Pool>
  readonly builders: () => Iterable<{ readonly name: string; readonly workers: readonly string[] }>
  /** Whether it is a worker of the config that is not latent. */
  readonly isOther: (name: string) => boolean
  readonly side: () => LatentSide | undefined
}

/** Knows what waits, has a plan made of it whenever something changes, and carries that out. */
export class Demand {
  plan: Plan = plan([], [])
  readonly #o: DemandOptions
  readonly #givenUp = new GivenUp()
  readonly #starting = new Set<Promise<void>>()
  /** What is started for each worker, by its name. */
  readonly #madeOf = new Map<string, string>()
  #woken: (() => void) | undefined
  #dirty = false

  constructor(options: DemandOptions) {
    this.#o = options
  }

  /** Makes the plan anew in a moment. */
  wake(): void {
    this.#dirty = true
    this.#woken?.()
  }

  /** Until aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock } = this.#o.tools
    while (!signal.aborted) {
      if (this.#dirty) {
        this.#dirty = false
        this.#carryOut()
      }
      const woken = new AbortController()
      this.#woken = () => woken.abort()
      if (this.#dirty) woken.abort()
      const both = AbortSignal.any([signal, woken.signal])
      await clock.sleep(this.#pause(), both).catch(() => {})
      // What comes together is planned together.
      await new Promise((resolve) => setImmediate(resolve))
      this.#dirty = true
    }
    await Promise.all(this.#starting)
  }

  /** A start for these requests has come to nothing; that is stored. */
  readonly blamed: LatentTools['blamed'] = (facts, backoff, requests, failure) => {
    const { tools, pools } = this.#o
    if (backoff) tools.backoffs.note(facts.workerId, facts.templateHash, backoff)
    const most = pools().get(facts.worker)?.spec.maxStartAttempts ?? 1
    for (const { attempts, id } of requests)
      if (attempts >= most)
        this.#givenUp.add(id, facts.worker, `${attempts} starts failed: ${failure.message}`)
    this.wake()
  }

  hooks(instanceOf: (worker: Worker) => LiveInstance | undefined): Omit<LatentHooks, 'takeOver'> {
    return {
      fits: (request, worker) => {
        const instance = instanceOf(worker)
        const rendered = instance && this.#o.pools().get(instance.facts.worker)?.templates.of(request)
        return rendered !== undefined && 'hash' in rendered && rendered.hash === instance?.facts.templateHash
      },
      reason: (request) => this.plan.reasons.get(request),
      began: (worker) => instanceOf(worker)?.handle({ type: 'buildBegan' }),
      ended: (worker, result) => {
        const instance = instanceOf(worker)
        instance?.handle({ type: 'buildEnded' })
        if (instance && result !== undefined && result !== 'RETRY') this.#praise(instance)
      },
      distributed: () => this.wake(),
    }
  }

  #carryOut(): void {
    const { builders, pools, side, tools } = this.#o
    const known = pools()
    if (known.size === 0 || !side()) return
    const requests = [...builders()].flatMap(({ name, workers }) => this.#requestsOf(name, workers))
    requests.sort((a, b) => b.priority - a.priority || a.id - b.id)
    this.plan = plan(
      [...known.values()].map((pool) => this.#planned(pool)),
      requests,
    )
    const instanceOf = (id: string) => [...known.values()].flatMap((pool) => pool.instances.get(id) ?? [])[0]
    for (const { id, reason } of this.plan.unwanted) instanceOf(id)?.handle({ type: 'unwanted', reason })
    for (const id of this.plan.wakes) instanceOf(id)?.handle({ type: 'wake' })
    for (const { requests: meant, templateHash, worker } of this.plan.starts) {
      const pool = known.get(worker)!
      const [request] = meant
      const rendered = request === undefined ? pool.templates.constant : pool.templates.of(request)
      if (!rendered || 'error' in rendered || rendered.hash !== templateHash || rendered.held) continue
      const started = pool
        .start(rendered, meant)
        .catch((error: unknown) => tools.log.error({ err: error, worker }, 'no instance could be started'))
        .finally(() => this.#starting.delete(started))
      this.#starting.add(started)
    }
    if (!tools.held()) for (const pool of known.values()) this.#rollOver(pool)
  }

  /** Instances of an older image make way. */
  #rollOver(pool: Pool): void {
    const { constant } = pool.templates
    const { rowId } = pool.worker
    if (!constant || 'error' in constant || constant.held !== undefined)
      return pool.rollOver({ fails: false })
    const [before, now] = [this.#madeOf.get(pool.name), canonical(constant.template)]
    this.#madeOf.set(pool.name, now)
    // What was found out about the older one says nothing of this.
    if (before !== undefined && before !== now) this.#forgetBackoff(rowId, constant.hash)
    pool.rollOver({ fails: this.#o.tools.backoffs.hasFailed(rowId, constant.hash) })
  }

  /** Those of a builder that an instance could build; those that nothing ever will are given up. */
  #requestsOf(builder: string, workers: readonly string[]): (PlannedRequest & { priority: number })[] {
    const { isOther, pools, side, tools } = this.#o
    const own = workers.flatMap((name) => pools().get(name) ?? [])
    if (own.length === 0) return []
    const others = workers.some(isOther)
    const room = own.reduce((sum, { spec }) => sum + spec.max * spec.worker.maxBuilds, 0)
    return side()!
      .waitingFor(builder, Math.min(room + 1, mostPlanned))
      .flatMap((request) => {
        const { choices, hopeless } = this.#choices(request, own)
        if (choices.length === 0 && hopeless !== undefined && !others && !tools.held()) {
          this.#giveUp(request, hopeless)
          return []
        }
        return [{ id: request.id, priority: request.priority, choices }]
      })
  }

  #choices({ id }: PendingRequest, own: readonly Pool[]) {
    const choices: { worker: string; template: PlannedTemplate }[] = []
    const refusals: string[] = []
    let undecided = false
    for (const pool of own) {
      const rendered = pool.templates.of(id)
      const givenUp = this.#givenUp.why(id, pool.name)
      if (!rendered) undecided = true
      else if ('error' in rendered) refusals.push(`${pool.name}: ${rendered.error}`)
      else if (givenUp !== undefined) refusals.push(`${pool.name}: ${givenUp}`)
      else {
        const backoff = this.#o.tools.backoffs.of(pool.worker.rowId, rendered.hash)
        if (backoff?.code === 'REJECTED') refusals.push(`${pool.name}: ${backoff.message}`)
        else choices.push({ worker: pool.name, template: this.#template(pool, rendered) })
      }
    }
    const hopeless = undecided || refusals.length === 0 ? undefined : refusals.join('; ')
    return { choices, hopeless }
  }

  #template(pool: Pool, { hash, held }: { hash: string; held?: string }): PlannedTemplate {
    if (held !== undefined) return { hash, held }
    const { backoffs, clock } = this.#o.tools
    const backoff = backoffs.of(pool.worker.rowId, hash)
    if (!backoff) return { hash }
    const wait = Math.ceil((backoff.until - clock.now()) / 1000)
    return { hash, held: `tries again in ${wait} s: ${backoff.message}` }
  }

  #planned(pool: Pool): PlannedPool {
    const { constant } = pool.templates
    const { max, minIdle, worker } = pool.spec
    const { admin, removed } = pool.worker
    const closed = removed
      ? 'is no longer in the config'
      : admin.state === 'active'
        ? (this.#o.tools.held() ?? pool.closed)
        : `is ${admin.state}${admin.reason ? `: ${admin.reason}` : ''}`
    return {
      worker: pool.name,
      max,
      minIdle,
      maxBuilds: worker.maxBuilds,
      closed,
      drained: admin.state === 'draining',
      template: constant && 'hash' in constant ? this.#template(pool, constant) : undefined,
      instances: pool.planned,
    }
  }

  #giveUp({ id }: PendingRequest, why: string): void {
    const { side, tools } = this.#o
    const ended = side()!
      .giveUp(id, why)
      .then(() => this.#givenUp.forget(id))
      .catch((error: unknown) => tools.log.error({ err: error, request: id }, 'a request could not be ended'))
      .finally(() => this.#starting.delete(ended))
    this.#starting.add(ended)
  }

  /** A build has run there: its template works. */
  #praise({ facts: { template, templateHash, worker, workerId } }: LiveInstance): void {
    // But not with the image that is used now.
    if (this.#o.pools().get(worker)?.templates.isOutdated(template)) return
    this.#forgetBackoff(workerId, templateHash)
  }

  #forgetBackoff(workerId: number, templateHash: string): void {
    const { backoffs, log, store } = this.#o.tools
    if (!backoffs.forget(workerId, templateHash)) return
    const stored = store((trx) => storeNoBackoff(trx, workerId, templateHash))
      .catch((error: unknown) => log.warn(`a back-off could not be ended: ${messageOf(error)}`))
      .finally(() => this.#starting.delete(stored))
    this.#starting.add(stored)
  }

  #pause(): number {
    const { backoffs, clock } = this.#o.tools
    const now = clock.now()
    return Math.max(50, Math.min(lookAgain, backoffs.nextTime(now) - now))
  }
}

/** Requests of one builder that are looked at together. */
const mostPlanned = 2000
/** Milliseconds until the plan is made anew although nothing seems to have changed. */
const lookAgain = 5000
