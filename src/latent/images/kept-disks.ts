import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { GroupCommit } from '../../db/group-commit.ts'
import type { Database } from '../../db/schema.ts'
import { messageOf, RouseError } from '../../model/errors.ts'
import { imageBuilder } from '../../model/image.ts'
import { BackendError } from '../backend-error.ts'
import type { InstanceFacts } from '../ledger.ts'
import type { OpenBackend } from '../open-backend.ts'
import { imageOf, storeFailed, storeKept } from './store-images.ts'

interface KeptDisksOptions {
  readonly db: Kysely<Database>
  readonly commit: Pick<GroupCommit, 'write'>
  readonly log: Logger
  /** An image is ready, or has failed. */
  readonly kept: () => void
}

/** Ends instances; of one that has provisioned an image, the disk is kept first. Whoever is killed meanwhile, the next one does it again. */
export class KeptDisks {
  readonly #o: KeptDisksOptions
  readonly #keeping = new Map<string, Promise<void>>()
  readonly #failures = new Map<string, number>()

  constructor(options: KeptDisksOptions) {
    this.#o = options
  }

  async end(backend: OpenBackend, { id, worker }: InstanceFacts): Promise<void> {
    if (worker.startsWith(imageBuilder(''))) await this.#keepOnce(backend, id)
    await backend.stop(id)
  }

  /** An instance is told to stop again and again; its disk may take longer. */
  #keepOnce(backend: OpenBackend, id: string): Promise<void> {
    const keeping = this.#keeping.get(id) ?? this.#keep(backend, id).finally(() => this.#keeping.delete(id))
    this.#keeping.set(id, keeping)
    return keeping
  }

  async #keep(backend: OpenBackend, id: string): Promise<void> {
    const { commit, db, kept, log } = this.#o
    const row = await imageOf(db, id)
    if (!row) return
    const { hash, name } = row
    try {
      log.info({ instance: id }, `keeping image ${name}@${hash}`)
      const ref = await backend.keep(id, { name, hash })
      await commit.write((trx) => storeKept(trx, id, ref))
      this.#failures.delete(id)
    } catch (error) {
      const failures = (this.#failures.get(id) ?? 0) + 1
      this.#failures.set(id, failures)
      // What people must mend does not pass.
      const forGood =
        error instanceof RouseError || (error instanceof BackendError && error.code === 'REJECTED')
      // It stays as it is, and is asked for again.
      if (backend.isClosing || (!forGood && failures < mostFailures)) throw error
      this.#failures.delete(id)
      await commit.write((trx) =>
        storeFailed(trx, row, row.build_id, `its disk could not be kept: ${explanation(error)}`),
      )
    }
    kept()
  }
}

function explanation(error: unknown): string {
  return error instanceof RouseError ? `${error.message} (${error.code}). ${error.advice}` : messageOf(error)
}

const mostFailures = 3
