import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { ResolvedWorker } from './config/resolve-config.ts'
import { messageOf } from './model/errors.ts'
import { Releasers } from './util/releasers.ts'

/** Where it works, and under which name. */
export type LocalWorker = Pick<ResolvedWorker & { kind: 'local' }, 'name' | 'baseDir'>

/** The workers that this master runs itself: opened, and closed when they have left the config and finished. */
export class LocalWorkers {
  readonly #open: (worker: LocalWorker, releasers: Releasers) => Promise<void>
  readonly #log: Logger
  readonly #running = new Map<string, Releasers>()
  #closed = false
  readonly #closing = new Map<string, Promise<void>>()

  constructor(open: (worker: LocalWorker, releasers: Releasers) => Promise<void>, log: Logger) {
    this.#open = open
    this.#log = log
  }

  /** Opens those that are not open. Throws the first failure, after trying all. */
  async open(workers: readonly ResolvedWorker[]): Promise<void> {
    const failures: unknown[] = []
    for (const worker of workers) {
      if (worker.kind !== 'local') continue
      await this.#closing.get(worker.name)
      if (this.#closed) return
      if (this.#running.has(worker.name)) continue
      const releasers = new Releasers()
      this.#running.set(worker.name, releasers)
      try {
        await this.#open(worker, releasers)
      } catch (error) {
        failures.push(error)
        await this.close(worker.name)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  /** Opens one that has left the config and has builds to finish, if it worked in this folder. Never rejects. */
  async recall(worker: LocalWorker): Promise<void> {
    if (this.#closed || this.#running.has(worker.name) || !existsSync(join(worker.baseDir, '.rouse'))) return
    const releasers = new Releasers()
    this.#running.set(worker.name, releasers)
    try {
      await this.#open(worker, releasers)
    } catch (error) {
      this.#log.error({ err: error, worker: worker.name }, messageOf(error))
      await this.close(worker.name)
    }
  }

  /** Never rejects. */
  async close(name: string): Promise<void> {
    const releasers = this.#running.get(name)
    this.#running.delete(name)
    if (!releasers) return this.#closing.get(name)
    const closing = releasers
      .release()
      .catch((error: unknown) => this.#log.error({ err: error, worker: name }, messageOf(error)))
      .finally(() => this.#closing.delete(name))
    this.#closing.set(name, closing)
    await closing
  }

  async closeAll(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#running.keys(), ...this.#closing.keys()].map((name) => this.close(name)))
  }
}
