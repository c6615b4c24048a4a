import type { Logger } from 'pino'
import { messageOf } from '../model/errors.ts'
import type { Clock } from '../util/clock.ts'
import type { Instance } from './backend.ts'
import type { LiveInstance } from './live-instance.ts'
import type { OpenBackend } from './open-backend.ts'
import { Orphans } from './orphans.ts'

interface ReconcileOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly cluster: string
  /** Milliseconds between lists while there is something to look after; six times as long while there is nothing. */
  readonly interval: number
  /** Milliseconds before an instance that nobody knows is ended. */
  readonly grace: number
  /** Instances of the backend that this master looks after. */
  readonly living: (backend: OpenBackend) => readonly LiveInstance[]
  /** Which of these ids have rows that are not gone, whoever owns them. */
  readonly known: (ids: readonly string[]) => Promise<ReadonlySet<string>>
  /** All of a backend's, by its key. */
  readonly allKnown: (backend: string) => Promise<ReadonlySet<string>>
  readonly stopped: (orphans: number) => void
  /** Why nothing is done to instances now. */
  readonly held: () => string | undefined
}

/** What a sweep found that belongs to nobody. */
export interface Finding {
  readonly backend: string
  readonly instance: Instance
  /** Why it could not be ended. */
  readonly error?: string | undefined
}

/** Of a backend that cannot be listed. */
interface Trouble {
  readonly message: string
  /** When the first list in a row failed. */
  readonly since: Date
}

/** Compares what the ledger says with what a backend shows, at once and for ever. */
export class Reconcile {
  readonly #o: ReconcileOptions
  readonly #orphans: Orphans
  /** Backends whose next list is wanted before its turn, and what wakes those that wait for it. */
  readonly #wanted = new Set<OpenBackend>()
  readonly #wakers = new Map<OpenBackend, AbortController>()
  readonly #troubled = new Map<OpenBackend, Trouble>()
  readonly #strangers = new Set<string>()
  #sweeps = 0

  constructor(options: ReconcileOptions) {
    this.#o = options
    this.#orphans = new Orphans(options.grace)
  }

  /** Why a backend cannot be listed now. */
  trouble(backend: OpenBackend): Trouble | undefined {
    return this.#troubled.get(backend)
  }

  /** Asks for a list before its turn. */
  soon(backend: OpenBackend): void {
    this.#wanted.add(backend)
    this.#wakers.get(backend)?.abort()
  }

  /** Until aborted. */
  async watch(backend: OpenBackend, signal: AbortSignal): Promise<void> {
    const { clock, interval, living, log } = this.#o
    // At most as often as a list can show something new.
    const least = Math.min(Math.max(backend.listLag, shortestPause), interval)
    while (!signal.aborted) {
      this.#wanted.delete(backend)
      await this.sweep(backend).catch((error: unknown) => {
        if (!signal.aborted) log.error({ err: error, backend: backend.key }, 'a sweep failed')
      })
      const live = living(backend)
      // Two lists without an instance end it: the second need not wait for its turn.
      if (live.some(({ row }) => row.unseenSince !== null)) this.#wanted.add(backend)
      const waker = new AbortController()
      this.#wakers.set(backend, waker)
      if (this.#wanted.has(backend)) waker.abort()
      const turn = live.length > 0 ? interval : 6 * interval
      await clock.sleep(turn, AbortSignal.any([waker.signal, signal])).catch(() => {})
      if (waker.signal.aborted) await clock.sleep(least, signal).catch(() => {})
    }
    this.#wakers.delete(backend)
  }

  /** One list and what follows from it. With `dryRun` nothing is done; without `patience` orphans are ended at once. */
  async sweep(
    backend: OpenBackend,
    { dryRun = false, patience = true }: { dryRun?: boolean; patience?: boolean } = {},
  ): Promise<Finding[]> {
    const { cluster, held, known, living, log } = this.#o
    const listing = await this.#list(backend)
    if (!listing) return []
    const { asOf, instances } = listing
    const ours = instances.filter((instance) => instance.cluster === cluster)
    this.#warnOfStrangers(backend, instances)
    const live = living(backend)
    if (!dryRun) {
      for (const instance of live) {
        const { id } = instance.facts
        if (instance.unsettled || !backend.isFresh(id, asOf)) continue
        const bearers = ours.filter((found) => found.id === id)
        instance.handle({ type: 'listed', bearers, asOf })
      }
    }
    const mine = new Set(live.map(({ facts }) => facts.id))
    const unknown = ours.filter(({ id }) => !mine.has(id) && backend.isFresh(id, asOf))
    const others = await known(unknown.map(({ id }) => id))
    const orphans = unknown.filter(({ id }) => !others.has(id))
    const error = dryRun ? undefined : held()
    if (dryRun || error) return orphans.map((instance) => ({ backend: backend.key, instance, error }))
    const due = patience ? this.#orphans.sweep(backend.key, orphans, asOf) : orphans
    const findings = await Promise.all(due.map((orphan) => this.#end(backend, orphan)))
    if (++this.#sweeps % leftoversEvery === 0 || !patience)
      await this.#sweepLeftovers(
        backend,
        ours.map(({ id }) => id),
      ).catch((error: unknown) =>
        log.warn(`${backend.key}: leftovers could not be removed: ${messageOf(error)}`),
      )
    return findings
  }

  async #sweepLeftovers(backend: OpenBackend, listed: readonly string[]): Promise<void> {
    const { allKnown, living } = this.#o
    const others = await allKnown(backend.key)
    // Also those that were begun meanwhile.
    const mine = living(backend).map(({ facts }) => facts.id)
    await backend.sweep(new Set([...listed, ...others, ...mine]))
  }

  async #list(backend: OpenBackend) {
    const { clock, log } = this.#o
    try {
      const listing = await backend.list()
      if (this.#troubled.delete(backend)) log.info(`${backend.key} answers again`)
      return listing
    } catch (error) {
      const message = messageOf(error)
      const before = this.#troubled.get(backend)
      if (before?.message !== message) log.warn(`${backend.key} cannot be listed: ${message}`)
      this.#troubled.set(backend, { message, since: before?.since ?? new Date(clock.now()) })
      return undefined
    }
  }

  async #end(backend: OpenBackend, instance: Instance): Promise<Finding> {
    const { id, ref, worker } = instance
    const { log, stopped } = this.#o
    log.warn({ id, ref, worker }, `${backend.key} has an instance of ours that no row knows: it is ended`)
    try {
      await backend.stop(id)
      stopped(1)
      return { backend: backend.key, instance }
    } catch (error) {
      log.warn({ id }, `it could not be ended: ${messageOf(error)}`)
      return { backend: backend.key, instance, error: messageOf(error) }
    }
  }

  #warnOfStrangers(backend: OpenBackend, instances: readonly Instance[]): void {
    const { cluster, log } = this.#o
    for (const { cluster: other, id, worker } of instances) {
      if (other === cluster || this.#strangers.has(other) || this.#strangers.size >= 1000) continue
      this.#strangers.add(other)
      log.warn(
        { id, worker, cluster: other },
        `${backend.key} has instances of another cluster: they are left alone`,
      )
    }
  }
}

/** Milliseconds between two lists, however fast the backend is. */
const shortestPause = 200
/** Sweeps between two looks for leftovers. */
const leftoversEvery = 6
