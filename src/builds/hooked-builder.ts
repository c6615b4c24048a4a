import type { Kysely } from 'kysely'
import type { BuilderHooks, FreeWorker, WaitingRequest } from '../config/types.ts'
import type { Database } from '../db/schema.ts'
import type { Worker } from '../fleet/worker.ts'
import { messageOf } from '../model/errors.ts'
import { askHooks, type HookAnswer } from './ask-hooks.ts'
import type { BuildTools } from './build-tools.ts'
import type { PendingRequest } from './pending-queue.ts'
import { selectWaiting, waitingRequest } from './waiting-requests.ts'

export interface HookedBuilderOptions {
  readonly builder: string
  /** As the config has them now. */
  readonly hooks: () => BuilderHooks
  readonly tools: Pick<BuildTools, 'clock' | 'db' | 'log' | 'publish'>
  /** Its functions have answered. */
  readonly answered: () => void
}

/** What waits for the builder now, and where it could run. */
export interface Offer {
  /** In the order of the queue. */
  readonly requests: () => readonly PendingRequest[]
  readonly workersFor: (request: PendingRequest) => readonly Worker[]
}

/** A builder whose config has functions that choose. They are asked beside everything else: a slow one holds up only its builder. */
export class HookedBuilder {
  readonly #o: HookedBuilderOptions
  readonly #stopping = new AbortController()
  #asking: Promise<void> | undefined
  #answer: HookAnswer = { reasons: new Map() }
  #restsUntil = 0
  #complaint: string | undefined

  constructor(options: HookedBuilderOptions) {
    this.#o = options
  }

  /** When it is to be asked again; undefined while nothing was refused. */
  get restsUntil(): number | undefined {
    return this.#restsUntil || undefined
  }

  /** Why a request waits, if the functions are the cause. */
  reason(request: number): string | undefined {
    return this.#answer.reasons.get(request)
  }

  /** What its functions have chosen, as long as that can be started. Asks them where nothing is chosen. */
  choice(now: number, offer: Offer): { request: PendingRequest; workers: Worker[] } | undefined {
    if (this.#asking) return undefined
    const { start } = this.#answer
    const ready = offer.requests().filter((request) => request.notBefore <= now)
    if (start) {
      const request = ready.find(({ id }) => id === start.request)
      const worker = request && offer.workersFor(request).find(({ name }) => name === start.worker)
      if (request && worker) return { request, workers: [worker] }
    } else if (now < this.#restsUntil) return undefined
    const workers = new Map(
      ready.map((request) => [request.id, offer.workersFor(request).slice(0, mostShown)]),
    )
    if ([...workers.values()].every((free) => free.length === 0)) return undefined
    this.#restsUntil = 0
    this.#asking = this.#ask(workers).finally(() => {
      this.#asking = undefined
      this.#o.answered()
    })
    return undefined
  }

  /** Its choice was started. */
  started(): void {
    this.#answer = { reasons: this.#answer.reasons }
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the master is stopping'))
    await this.#asking
  }

  // Never rejects.
  async #ask(workers: ReadonlyMap<number, readonly Worker[]>): Promise<void> {
    const { clock, db } = this.#o.tools
    const before = this.#answer.reasons
    const over = new AbortController()
    const signal = AbortSignal.any([over.signal, this.#stopping.signal])
    const deadline = clock.sleep(patience, signal).then(() => {
      throw new Error(`it did not answer within ${patience / 1000} s`)
    })
    deadline.catch(() => {})
    const shown = new Map([...workers].map(([id, free]) => [id, free.map(freeWorker)]))
    try {
      const requests = await load(db, [...workers.keys()])
      this.#complaint = undefined
      this.#answer = await askHooks({
        hooks: this.#o.hooks(),
        requests,
        workersFor: (id) => shown.get(id) ?? [],
        deadline,
        failed: (error) => this.#complain(error),
      })
    } catch (error) {
      this.#complain(error)
      this.#answer = { reasons: new Map([...workers.keys()].map((id) => [id, `waits: ${messageOf(error)}`])) }
    } finally {
      over.abort()
    }
    if (!this.#answer.start) this.#restsUntil = clock.now() + pause
    this.#tell(before)
  }

  #tell(before: HookAnswer['reasons']): void {
    const { builder, tools } = this.#o
    for (const [request, reason] of this.#answer.reasons) {
      if (before.get(request) !== reason) tools.publish({ type: 'request.waiting', request, builder, reason })
    }
  }

  #complain(error: unknown): void {
    if (this.#stopping.signal.aborted || this.#complaint === messageOf(error)) return
    this.#complaint = messageOf(error)
    this.#o.tools.log.error({ err: error, builder: this.#o.builder }, 'a function of a builder failed')
  }
}

async function load(db: Kysely<Database>, ids: readonly number[]): Promise<WaitingRequest[]> {
  const rows = await selectWaiting(db).where('r.id', 'in', ids).execute()
  const byId = new Map(rows.map((row) => [row.id, waitingRequest(row)]))
  return ids.flatMap((id) => byId.get(id) ?? [])
}

function freeWorker({ name, places, spec }: Worker): FreeWorker {
  const { kind, maxBuilds, properties } = spec
  return Object.freeze({ name, kind, properties, maxBuilds, runningBuilds: places.size })
}

/** Requests and workers that functions are shown. */
export const mostShown = 100
/** Milliseconds for all answers together. */
const patience = 10_000
/** Milliseconds until functions that chose nothing are asked again. */
const pause = 1000
