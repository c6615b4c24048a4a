import { sql, type Transaction } from 'kysely'
import type { GroupCommit, Work } from '../db/group-commit.ts'
import type { Database } from '../db/schema.ts'
import { Detached } from './detached.ts'

interface BuildCommitOptions {
  readonly commit: Pick<GroupCommit, 'write'>
  readonly buildId: number
  /** Of this master. */
  readonly epoch: number
}

/** Writes of one build. Each is committed only while this master owns the build; else it throws Detached. */
export class BuildCommit {
  readonly #o: BuildCommitOptions

  constructor(options: BuildCommitOptions) {
    this.#o = options
  }

  write<T>(work: Work<T>): Promise<T> {
    const { buildId, commit, epoch } = this.#o
    return commit.write(async (trx) => {
      const [result] = await Promise.all([work(trx), requireOwned(trx, [buildId], epoch)])
      return result
    })
  }
}

/**
 * Throws Detached when another master has taken one of the builds over. Locks them, so that none is taken over before this
 * transaction has ended: who takes a build over sees all that was stored of it.
 */
export async function requireOwned(
  trx: Transaction<Database>,
  buildIds: readonly number[],
  epoch: number,
): Promise<void> {
  const owned = await trx
    .selectFrom('builds')
    .select('id')
    .where('id', '=', sql<number>`any(${buildIds}::bigint[])`)
    .where('epoch', '=', epoch)
    .orderBy('id')
    .forShare()
    .execute()
  if (owned.length < buildIds.length) throw new Detached('another master has taken the build over')
}
