import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import { costsByDay } from '../db/costs.ts'
import type { Database } from '../db/schema.ts'
import { utcDays } from '../model/cost.ts'
import { messageOf } from '../model/errors.ts'
import type { Clock } from '../util/clock.ts'
import { budgetObstacle } from './budget-obstacle.ts'
import type { Pool } from './pool.ts'

interface BudgetsOptions {
  readonly db: Kysely<Database>
  readonly clock: Clock
  readonly log: Logger
  readonly pools: () => Iterable<Pool>
  /** A worker may start instances again, or may not any more. */
  readonly changed: () => void
}

/** Closes the pools that have spent their budget of the day, and opens them on the next. */
export class Budgets {
  readonly #o: BudgetsOptions
  #woken: (() => void) | undefined
  #asked = false

  constructor(options: BudgetsOptions) {
    this.#o = options
  }

  /** An instance has ended, or the config has changed: looks before its time. */
  soon(): void {
    this.#asked = true
    this.#woken?.()
  }

  /** Until aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#o
    while (!signal.aborted) {
      this.#asked = false
      await this.#look().catch((error: unknown) =>
        log.warn(`what was spent today could not be computed: ${messageOf(error)}`),
      )
      await clock.sleep(shortest, signal).catch(() => {})
      const woken = new AbortController()
      this.#woken = () => woken.abort()
      if (this.#asked) woken.abort()
      await clock.sleep(interval, AbortSignal.any([signal, woken.signal])).catch(() => {})
    }
  }

  async #look(): Promise<void> {
    const { changed, clock, db, log, pools } = this.#o
    const limited = [...pools()].filter(({ closed, spec }) => spec.budgetPerDay !== null || closed)
    if (limited.length === 0) return
    const now = clock.now()
    const workers = limited.map(({ name }) => name)
    const costs = await costsByDay(db, { days: utcDays(now, 1), now: new Date(now), workers })
    const spent = new Map(costs.map(({ cost, worker }) => [worker, cost]))
    for (const pool of limited) {
      const { closed: before, name, spec } = pool
      pool.closed = budgetObstacle(spec.budgetPerDay, spent.get(name) ?? 0)
      if (pool.closed === before) continue
      if (pool.closed !== undefined) log.warn(`worker ${name} ${pool.closed}: nothing more is started`)
      changed()
    }
  }
}

/** Milliseconds between two looks at the database, and at least. */
const interval = 30_000
const shortest = 200
