import type { Logger } from 'pino'
import { compareSettings, type SettingsChanges } from './config/compare-settings.ts'
import type { MasterSettings } from './config/resolve-config.ts'
import { messageOf, RouseError } from './model/errors.ts'

interface ReconfigOptions {
  readonly settings: MasterSettings
  /** Reads the config's files anew; throws what is wrong with them. */
  readonly load: (() => Promise<MasterSettings>) | undefined
  /** Makes the parts of the master work with other settings. */
  readonly apply: (settings: MasterSettings, old: MasterSettings) => Promise<void>
  readonly log: Logger
}

/** The settings that the master runs with, and their replacement while it runs. */
export class Reconfig {
  readonly #o: ReconfigOptions
  #settings: MasterSettings
  #running: Promise<unknown> = Promise.resolve()
  #waiting: Promise<SettingsChanges> | undefined
  #closed = false

  constructor(options: ReconfigOptions) {
    this.#o = options
    this.#settings = options.settings
  }

  get settings(): MasterSettings {
    return this.#settings
  }

  /**
   * Takes the config's files over as they are now. One at a time; those who ask while one waits for its turn share it.
   * Throws ROUSE_CONFIG_INVALID and others of loading, and then nothing has changed.
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

  /** Waits for the reload in flight; no other begins. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#waiting?.catch(() => {})
    await this.#running
  }

  async #reload(): Promise<SettingsChanges> {
    const { apply, load, log } = this.#o
    if (this.#closed) throw new RouseError('ROUSE_SHUTTING_DOWN', 'the master is stopping')
    if (!load) throw new RouseError('ROUSE_CONFIG_NOT_FOUND', 'this master was not started from a file')
    try {
      const old = this.#settings
      const { changes, settings } = compareSettings(old, await load())
      // A failure half-way leaves the old settings to be compared with, so that the next try does all of it.
      await apply(settings, old)
      this.#settings = settings
      log.info(changes, 'the config was taken over')
      return changes
    } catch (error) {
      log.error(`the config was not taken over, the old one goes on: ${messageOf(error)}`)
      throw error
    }
  }
}
