import { RouseError } from '../../model/errors.ts'
import { isOutage } from '../client/is-outage.ts'
import type { MasterClient } from '../client/master-client.ts'
import type { ApiBuild, ApiLog, ApiStep } from '../../web/api.ts'
import type { FollowView, LogPlace } from './follow-view.ts'
import type { Patience } from './patience.ts'

export interface FollowParts {
  readonly client: MasterClient
  readonly patience: Patience
  readonly view: FollowView
  readonly signal: AbortSignal
}

/**
 * Prints a build's logs: the steps in their order, the logs of a step one after the other. Called again and again it
 * goes on where it stopped: it knows each log by its id and the bytes of it that are printed.
 */
export class LogPrinter {
  readonly #parts: FollowParts
  readonly #only: string | undefined
  readonly #printed = new Map<number, number>()
  readonly #begun = new Set<number>()
  readonly #ended = new Set<number>()
  readonly #endedLogs = new Set<number>()
  #open: LogPlace | undefined

  /** `only`: the logs of this name. */
  constructor(parts: FollowParts, only?: string) {
    this.#parts = parts
    this.#only = only
  }

  /** Prints all there is by now. `final`: no step will do anything any more. */
  async print(build: ApiBuild, steps: readonly ApiStep[], { final }: { final: boolean }): Promise<void> {
    const { view } = this.#parts
    for (const step of steps.filter((s) => !this.#ended.has(s.id) && s.state !== 'pending')) {
      if (!this.#begun.has(step.id)) await view.stepStarted(build, step)
      this.#begun.add(step.id)
      const whole = final || step.state === 'finished'
      await this.#printStep(build, step, whole)
      if (!whole) return
      this.#ended.add(step.id)
      await view.stepFinished(build, step)
    }
  }

  /** Prints what the log that was unfinished has gained. */
  async printMore(): Promise<void> {
    if (this.#open) await this.#read(this.#open)
  }

  async #printStep(build: ApiBuild, step: ApiStep, whole: boolean): Promise<void> {
    const { client, patience, view, signal } = this.#parts
    const path = `/steps/${step.id}/logs`
    const { items } = await patience.through(() => client.list<ApiLog>(path, {}, Infinity, signal))
    for (const log of items.toSorted((a, b) => a.id - b.id)) {
      if (this.#endedLogs.has(log.id) || (this.#only !== undefined && log.name !== this.#only)) continue
      const place = { build, step, log }
      this.#open = place
      await this.#printKnown(place)
      if (!whole && !log.finished) return
      this.#open = undefined
      this.#endedLogs.add(log.id)
      await view.logEnded(place)
    }
  }

  async #printKnown(place: LogPlace): Promise<void> {
    const { id, bytes: known } = place.log
    while (this.#offset(id) < known) {
      const before = this.#offset(id)
      await this.#read(place)
      if (this.#offset(id) > before) continue
      throw new RouseError(
        'ROUSE_INTERNAL',
        `log ${id} has ${known} bytes, but the master gives only ${before}`,
      )
    }
  }

  // Until its present end. A connection that is cut after some bytes is no failure: the next one goes on behind them.
  async #read(place: LogPlace): Promise<void> {
    const { client, patience, view, signal } = this.#parts
    const { id } = place.log
    for (let whole = false; !whole;) {
      whole = await patience.through(async () => {
        const before = this.#offset(id)
        try {
          for await (const bytes of client.logText(id, before, signal)) {
            await view.log(place, bytes)
            this.#printed.set(id, this.#offset(id) + bytes.length)
          }
          return true
        } catch (error) {
          if (isOutage(error) && this.#offset(id) > before) return false
          throw error
        }
      })
    }
  }

  #offset(log: number): number {
    return this.#printed.get(log) ?? 0
  }
}
