import type { LaneArguments, LaneCall, LaneRequest, LaneResult } from './lane-calls.ts'
import { LaneProcess } from './lane-process.ts'

export interface LaneCallOptions {
  readonly signal: AbortSignal
  /** Calls with the same one come one after the other, also when the earlier ones were given up. */
  readonly key?: string
}

/**
 * The processes that call libvirt for one URI. Its functions block, tell their errors to the thread that called, and cannot be broken
 * off: in processes of their own they hold up neither the master nor each other, and what hangs is ended with its process.
 */
export class Lanes {
  readonly uri: string
  readonly #lanes = new Set<LaneProcess>()
  readonly #idle: LaneProcess[] = []
  readonly #waiting: PromiseWithResolvers<LaneProcess>[] = []
  readonly #tails = new Map<string, Promise<unknown>>()
  #closed = false

  constructor(uri: string) {
    this.uri = uri
  }

  /** Throws LibvirtError, or Error when there was no answer before the signal. */
  async call<Name extends LaneCall>(
    call: Name,
    args: LaneArguments<Name>,
    { key, signal }: LaneCallOptions,
  ): Promise<LaneResult<Name>> {
    if (signal.aborted) throw this.#givenUp(signal)
    const before = key === undefined ? undefined : this.#tails.get(key)
    const work = this.#perform({ call, args }, signal, before)
    if (key !== undefined) this.#remember(key, work)
    const over = Promise.withResolvers<never>()
    const onAbort = () => over.reject(this.#givenUp(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return (await Promise.race([work, over.promise])) as LaneResult<Name>
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Ends the processes, whatever they do. */
  async close(): Promise<void> {
    this.#closed = true
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#isClosed())
    await Promise.all([...this.#lanes].map((lane) => lane.end()))
  }

  async #perform(
    request: LaneRequest,
    signal: AbortSignal,
    before: Promise<unknown> | undefined,
  ): Promise<unknown> {
    await before
    if (signal.aborted) throw this.#givenUp(signal)
    const lane = await this.#freeLane()
    try {
      // It may have been given up while it waited, and nobody would end it then.
      if (signal.aborted) throw this.#givenUp(signal)
      return await lane.perform(request, signal)
    } finally {
      this.#release(lane)
    }
  }

  async #freeLane(): Promise<LaneProcess> {
    if (this.#closed) throw this.#isClosed()
    // The last one used, so that the others can end.
    for (let lane = this.#idle.pop(); lane; lane = this.#idle.pop()) if (lane.isAlive) return lane
    if (this.#lanes.size < lanesPerUri && !(this.#isTest && this.#lanes.size > 0)) return this.#newLane()
    const waiting = Promise.withResolvers<LaneProcess>()
    this.#waiting.push(waiting)
    return await waiting.promise
  }

  #newLane(): LaneProcess {
    const lane = new LaneProcess(this.uri, () => this.#lanes.delete(lane))
    this.#lanes.add(lane)
    return lane
  }

  #release(lane: LaneProcess): void {
    const next = this.#waiting.shift()
    if (next) next.resolve(lane.isAlive ? lane : this.#newLane())
    else if (lane.isAlive) {
      this.#idle.push(lane)
      if (!this.#isTest) lane.endWhenIdleFor(idleMs)
    }
  }

  #remember(key: string, work: Promise<unknown>): void {
    const tail = work.then(
      () => {},
      () => {},
    )
    this.#tails.set(key, tail)
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
    })
  }

  // The test driver keeps its world in the memory of the process.
  get #isTest(): boolean {
    return this.uri.startsWith('test:')
  }

  #isClosed(): Error {
    return new Error(`the connection to ${this.uri} is closed`)
  }

  #givenUp(signal: AbortSignal): Error {
    return new Error(`given up before libvirt at ${this.uri} had answered`, { cause: signal.reason })
  }
}

const lanesPerUri = 4
/** Milliseconds without a call after which a process is not worth its memory. */
const idleMs = 60_000
