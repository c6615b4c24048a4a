/** A request that waits, as the queue needs to know it. */
export interface PendingRequest {
  readonly id: number
  readonly builder: string
  readonly priority: number
  /** Milliseconds since the epoch before which it must not start: the back-off of a retry. */
  readonly notBefore: number
  /** The worker whose failure it is retried for: another one is preferred. */
  readonly avoidWorker: string | undefined
  /** A build waits for its result. Default false. */
  readonly waitedFor?: boolean
}

/**
 * The pending requests, indexed in memory: one ordered list per builder, by priority and then age. A list is an array
 * with binary search, so that the next request, a removal and a position are all O(log n) comparisons.
 */
export class PendingQueue {
  readonly #byId = new Map<number, PendingRequest>()
  readonly #byBuilder = new Map<string, PendingRequest[]>()
  readonly #delayed = new Map<number, PendingRequest>()
  readonly #lastServed = new Map<string, number>()

  get size(): number {
    return this.#byId.size
  }

  /** In no order. */
  get ids(): Iterable<number> {
    return this.#byId.keys()
  }

  get(id: number): PendingRequest | undefined {
    return this.#byId.get(id)
  }

  /** In no order. */
  values(): Iterable<PendingRequest> {
    return this.#byId.values()
  }

  add(request: PendingRequest): void {
    this.remove(request.id)
    this.#byId.set(request.id, request)
    if (request.notBefore > 0) this.#delayed.set(request.id, request)
    let list = this.#byBuilder.get(request.builder)
    if (!list) this.#byBuilder.set(request.builder, (list = []))
    list.splice(place(list, request), 0, request)
  }

  remove(id: number): void {
    const request = this.#byId.get(id)
    if (!request) return
    this.#byId.delete(id)
    this.#delayed.delete(id)
    const list = this.#byBuilder.get(request.builder)!
    list.splice(place(list, request), 1)
    if (list.length === 0) this.#byBuilder.delete(request.builder)
  }

  count(builder: string): number {
    return this.#byBuilder.get(builder)?.length ?? 0
  }

  /** The first requests of a builder, at most `limit`. */
  first(builder: string, limit: number): PendingRequest[] {
    return this.#byBuilder.get(builder)?.slice(0, limit) ?? []
  }

  /** Place among the requests of its builder, 1 is next; undefined when it is not pending. */
  position(id: number): number | undefined {
    const request = this.#byId.get(id)
    return request && place(this.#byBuilder.get(request.builder)!, request) + 1
  }

  /** Notes that a request of the builder was taken at this time, so that the others come first next. */
  served(builder: string, at: number): void {
    this.#lastServed.set(builder, at)
  }

  /**
   * The first request of each builder that may start now, in the order in which they are to be served. One that avoids a
   * worker may have to wait: then the first that does not avoid it is there too.
   */
  heads(now: number): PendingRequest[] {
    const heads = [...this.#byBuilder.values()].flatMap((list) => firstOf(list, now))
    return heads.sort(
      (a, b) =>
        b.priority - a.priority ||
        (this.#lastServed.get(a.builder) ?? 0) - (this.#lastServed.get(b.builder) ?? 0) ||
        a.id - b.id,
    )
  }

  /** The earliest time after `now` at which a request that backs off may start. */
  nextTime(now: number): number | undefined {
    let next: number | undefined
    for (const request of this.#delayed.values()) {
      if (request.notBefore > now && (next === undefined || request.notBefore < next))
        next = request.notBefore
    }
    return next
  }
}

function firstOf(list: readonly PendingRequest[], now: number): PendingRequest[] {
  const first = new Map<string | undefined, PendingRequest>()
  for (const request of list) {
    if (request.notBefore > now || first.has(request.avoidWorker)) continue
    first.set(request.avoidWorker, request)
    if (request.avoidWorker === undefined) break
  }
  return [...first.values()]
}

function place(list: readonly PendingRequest[], request: PendingRequest): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (before(list[middle]!, request)) low = middle + 1
    else high = middle
  }
  return low
}

function before(a: PendingRequest, b: PendingRequest): boolean {
  return a.priority === b.priority ? a.id < b.id : a.priority > b.priority
}
