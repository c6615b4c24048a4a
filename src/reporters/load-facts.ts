import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { Facts } from './facts.ts'
import { loadBuild } from './load/build.ts'
import { loadBuildset } from './load/buildset.ts'
import { artifactBytes, logBytes, logTail } from './load/bytes.ts'
import { loadRequest } from './load/request.ts'
import { loadWorker, type WorkersConfig } from './load/worker.ts'

export interface FactsOptions {
  readonly db: Kysely<Database>
  /** Of the config as it is now. */
  readonly config: () => WorkersConfig
  /** Where the file of an artifact is, by its `path` in the database. */
  readonly artifactPath: (path: string) => string
}

/** What reporters may know, read from the database. Every list and text that it gives has a bound. */
export class LoadedFacts implements Facts {
  readonly #options: FactsOptions

  constructor(options: FactsOptions) {
    this.#options = options
  }

  request(id: number) {
    return loadRequest(this.#options.db, id)
  }

  build(id: number) {
    return loadBuild(this.#options.db, id)
  }

  buildset(id: number) {
    return loadBuildset(this.#options.db, id)
  }

  worker(name: string) {
    return loadWorker(this.#options.db, this.#options.config(), name)
  }

  logTail(log: number, lines: number) {
    return logTail(this.#options.db, log, lines)
  }

  logBytes(log: number, limit: number) {
    return logBytes(this.#options.db, log, limit)
  }

  artifactBytes(artifact: number, limit: number) {
    return artifactBytes(this.#options, artifact, limit)
  }
}
