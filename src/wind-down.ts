import type { Logger } from 'pino'
import type { Builds } from './builds/builds.ts'
import { messageOf } from './model/errors.ts'
import type { Clock } from './util/clock.ts'

interface WindDownOptions {
  readonly builds: Builds
  readonly clock: Clock
  readonly log: Logger
  /** Ends the waiting: the master stops as it is. */
  readonly signal: AbortSignal
}

/** Stops a master softly: nothing new starts, and it ends when what runs has. */
export class WindDown {
  readonly #o: WindDownOptions
  readonly #cancelled = new Set<number>()
  readonly #asked = Promise.withResolvers<void>()
  readonly #done = Promise.withResolvers<string>()
  #cancels = false

  constructor(options: WindDownOptions) {
    this.#o = options
  }

  /** Resolves with the reason when nothing runs any more and the master may be stopped. */
  get done(): Promise<string> {
    return this.#done.promise
  }

  /** Returns the builds that run now. With `cancel` they are cancelled, also after an earlier call without it. */
  begin({ cancel }: { cancel: boolean }): number[] {
    this.#cancels ||= cancel
    this.#o.builds.hold()
    this.#asked.resolve()
    const running = this.#o.builds.running
    this.#o.log.info({ running, cancel }, 'winding down: no build starts any more')
    return running
  }

  /** Sees it through once it is asked for, until aborted. */
  async watch(): Promise<void> {
    const { builds, clock, signal } = this.#o
    const aborted = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    )
    await Promise.race([this.#asked.promise, aborted])
    while (!signal.aborted && builds.busy) {
      if (this.#cancels) await this.#cancelRunning()
      await clock.sleep(lookAgain, signal).catch(() => {})
    }
    if (!signal.aborted) this.#done.resolve('nothing runs any more')
  }

  async #cancelRunning(): Promise<void> {
    const { builds, log } = this.#o
    for (const id of builds.running) {
      // A second cancel would also end the steps that always run.
      if (this.#cancelled.has(id)) continue
      try {
        await builds.cancelBuild(id, { reason: 'the master is being stopped' })
        this.#cancelled.add(id)
      } catch (error) {
        log.error({ err: error, build: id }, `could not cancel a build; trying again: ${messageOf(error)}`)
      }
    }
  }
}

/** Milliseconds. */
const lookAgain = 100
