import type { Logger } from 'pino'
import { messageOf } from '../model/errors.ts'
import { backoff } from '../util/backoff.ts'
import type { InstanceSpec } from './backend.ts'
import { failureOf } from './failure-of.ts'
import type { InstanceEffect, InstanceEvent, StartFailure } from './instance-event.ts'
import type { InstanceRow } from './instance-row.ts'
import type { LatentTools } from './latent-tools.ts'
import type { InstanceFacts } from './ledger.ts'
import type { OpenBackend } from './open-backend.ts'

interface InstanceOrdersOptions {
  readonly facts: InstanceFacts
  readonly backend: OpenBackend
  readonly tools: LatentTools
  readonly log: Logger
  /** As it is decided now. */
  readonly row: () => InstanceRow
  readonly spec: () => Promise<InstanceSpec<unknown>>
  /** What has come of an order. */
  readonly handle: (event: InstanceEvent) => void
}

/** Effects that are orders to the provider. */
type Order = Extract<InstanceEffect['do'], 'start' | 'stop' | 'seal' | 'park' | 'reset'>

/** What the provider is asked to do to one instance. Nothing of it throws: what comes of an order is an event. */
export class InstanceOrders {
  readonly #o: InstanceOrdersOptions
  readonly #running = new Set<Promise<unknown>>()
  #resetDone = 0

  constructor(options: InstanceOrdersOptions) {
    this.#o = options
  }

  give(order: Order): void {
    const { backend, log, tools } = this.#o
    const given = this.#carryOut(order)
      .catch((error: unknown) => log.error({ err: error }, 'looking after an instance failed'))
      .finally(() => {
        this.#running.delete(given)
        // Lists are rare while there is little to see: what has come of this is to be seen.
        tools.soon(backend)
      })
    this.#running.add(given)
  }

  get areRunning(): boolean {
    return this.#running.size > 0
  }

  /** The generation that the backend has said is reset. */
  get resetDone(): number {
    return this.#resetDone
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running)
  }

  #carryOut(order: Order): Promise<void> {
    switch (order) {
      case 'start':
        return this.#start()
      case 'stop':
        return this.#stop()
      case 'seal':
        return this.#seal()
      case 'park':
        return this.#park()
      case 'reset':
        return this.#reset()
    }
  }

  async #start(): Promise<void> {
    const { backend, handle, row, spec, tools } = this.#o
    if (row().state !== 'requested' && row().state !== 'starting') return
    try {
      const { detail, ref } = await backend.start(await spec())
      handle({ type: 'started', ref, detail })
    } catch (error) {
      const failure = this.#failure('it could not be started', error)
      const retryAt = tools.clock.now() + backoff(row().attempt - 1, retryDelay)
      handle({ type: 'startFailed', failure, retryAt })
    }
  }

  async #seal(): Promise<void> {
    const { backend, facts, handle, row } = this.#o
    if (row().state !== 'sealing') return
    try {
      await backend.seal(facts.id, this.#timeLeft)
      handle({ type: 'sealed' })
    } catch (error) {
      handle({ type: 'sealFailed', failure: this.#failure('it could not be sealed', error) })
    }
  }

  // That it is parked is what a list shows.
  async #park(): Promise<void> {
    const { backend, facts, handle, row } = this.#o
    if (row().state !== 'parking') return
    try {
      await backend.park(facts.id, this.#timeLeft)
    } catch (error) {
      handle({ type: 'parkFailed', failure: this.#failure('it could not be parked', error) })
    }
  }

  async #reset(): Promise<void> {
    const { backend, handle, row, spec } = this.#o
    const { generation, parkings, state } = row()
    if (state !== 'resetting') return
    try {
      const wanted = await spec()
      // What was said of a generation that is over would be worth nothing.
      if (wanted.generation !== generation) return
      await backend.reset(wanted, this.#timeLeft)
      if (row().generation === generation) this.#resetDone = generation
      handle({ type: 'reset', generation })
    } catch (error) {
      const what = `it could not be ${parkings > 0 ? 'woken' : 'reset'}`
      const { code, message } = this.#failure(what, error)
      handle({ type: 'resetFailed', generation, failure: { code, message: `${what}: ${message}` } })
    }
  }

  // A list asked for from now on tells whether it is gone.
  async #stop(): Promise<void> {
    const { backend, facts, handle, log, tools } = this.#o
    try {
      await tools.end(backend, facts)
    } catch (error) {
      log.warn(`it could not be stopped, and will be told so again: ${messageOf(error)}`)
      handle({ type: 'stopFailed', message: messageOf(error) })
    }
  }

  /** Milliseconds until its deadline. */
  get #timeLeft(): number {
    return Math.max(1, (this.#o.row().deadline ?? 0) - this.#o.tools.clock.now())
  }

  #failure(what: string, error: unknown): StartFailure {
    const failure = failureOf(error)
    this.#o.log.warn({ code: failure.code }, `${what}: ${failure.message}`)
    return failure
  }
}

/** Milliseconds: 10, 20, 40 ... 3600 s. */
const retryDelay = { initial: 10_000, max: 3_600_000, jitter: 0 }
