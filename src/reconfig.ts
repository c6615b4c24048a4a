import type { Logger } from 'pino'
import { compareSettings, type SettingsChanges } from './config/compare-settings.ts'
import type { MasterSettings } from './config/resolve-config.ts'
import { messageOf, RouseError } from './model/errors.ts'
import type { Clock } from './util/clock.ts'

interface ReconfigOptions {
  readonly settings: MasterSettings
  /** Reads the config's files anew; throws what is wrong with them. */
  readonly load: (() => Promise<MasterSettings>) | undefined
  /** Makes the parts of the master work with these settings, whatever they work with now; what is likely to fail comes first. */
  readonly apply: (settings: MasterSettings) => Promise<void>
  /** Resolves when the master has started; a reload that is asked for before waits for it. */
  readonly started: Promise<void>
  readonly clock: Clock
  readonly log: Logger
}

/** The settings that the master runs with, and their replacement while it runs. */
export class Reconfig {
  readonly #o: ReconfigOptions
  readonly #closing = new AbortController()
  #settings: MasterSettings
  #running: Promise<unknown>
  #waiting: Promise<SettingsChanges> | undefined
  #closed: Promise<void> | undefined

  constructor(options: ReconfigOptions) {
    this.#o = options
    this.#settings = options.settings
    const closed = new Promise((resolve) => this.#closing.signal.addEventListener('abort', resolve))
    this.#running = Promise.race([options.started, closed])
  }

  /** Those that are being taken over are the master's already: what is opened for them asks for their secrets. */
  get settings(): MasterSettings {
    return this.#settings
  }

  /**
   * Takes the config's files over as they are now. One at a time; those who ask while one waits for its turn share it.
   * Throws ROUSE_CONFIG_INVALID and others of loading, and what could not be opened; then the old settings hold as before. Should
   * even these not be taken back, the log says so, and the next reload does all of it again.
   */
  reload(): Promise<SettingsChanges> {
    this.#waiting ??= this.#running.then(() => {
      this.#waiting = undefined
      const reloading = this.#reload()
      this.#running = reloading.catch(() => {})
      return reloading
    })
    return this.#waiting
  }

  /** No other reload begins; waits for the one in flight, but not for ever: a config is code, and may never come to its end. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { clock, log } = this.#o
    this.#closing.abort()
    const over = new AbortController()
    const late = clock.sleep(patience, over.signal).then(
      () => log.warn(`a reconfig has not ended within ${patience / 1000} s: it is left as it is`),
      () => {},
    )
    await Promise.race([Promise.allSettled([this.#waiting, this.#running]), late])
    over.abort()
  }

  async #reload(): Promise<SettingsChanges> {
    const { load, log } = this.#o
    try {
      this.#throwIfClosing()
      if (!load) throw new RouseError('ROUSE_CONFIG_NOT_FOUND', 'this master was not started from a file')
      const { changes, settings } = compareSettings(this.#settings, await load())
      this.#throwIfClosing()
      await this.#replace(settings)
      log.info(changes, 'the config was taken over')
      return changes
    } catch (error) {
      log.error(`the config was not taken over, the old one goes on: ${messageOf(error)}`)
      throw error
    }
  }

  async #replace(settings: MasterSettings): Promise<void> {
    const { apply, log } = this.#o
    const old = this.#settings
    this.#settings = settings
    try {
      await apply(settings)
    } catch (error) {
      this.#settings = old
      await apply(old).catch((cause: unknown) =>
        log.error(
          { err: cause },
          `the old config could not be taken back whole, reconfig again: ${messageOf(cause)}`,
        ),
      )
      throw error
    }
  }

  #throwIfClosing(): void {
    if (this.#closing.signal.aborted) throw new RouseError('ROUSE_SHUTTING_DOWN', 'the master is stopping')
  }
}

/** Milliseconds. */
const patience = 10_000
