import type { Kysely } from 'kysely'
import type { BuilderConfig } from '../config/types.ts'
import type { GroupCommit } from '../db/group-commit.ts'
import type { Database } from '../db/schema.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Worker } from '../fleet/worker.ts'
import type { EventBody } from '../model/events.ts'
import type { PropertyReader } from '../model/properties.ts'
import { buildProperties } from './build-properties.ts'
import type { Commands } from './commands.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { PendingRequest } from './pending-queue.ts'
import { storeRequestEnd } from './store-result.ts'
import { selectWaiting, waitingRequest } from './waiting-requests.ts'

interface LatentSideOptions {
  readonly dispatcher: Dispatcher
  readonly commands: Commands
  readonly builders: ReadonlyMap<string, BuilderConfig>
  readonly db: Kysely<Database>
  readonly fleet: Fleet
  readonly commit: Pick<GroupCommit, 'write'>
  readonly publish: (event: EventBody) => void
}

/** What the engine of latent workers may see of requests and do to them. */
export class LatentSide {
  readonly #o: LatentSideOptions

  constructor(options: LatentSideOptions) {
    this.#o = options
  }

  /** Requests of a builder that wait for nothing but a worker, at most `limit`, in the order of the queue. */
  waitingFor(builder: string, limit: number): readonly PendingRequest[] {
    return this.#o.dispatcher.waitingForWorkers(builder, limit)
  }

  /** Ends a request that no worker will ever take. Nothing happens when it does not wait any more. */
  async giveUp(id: number, why: string): Promise<void> {
    const { commit, dispatcher, publish } = this.#o
    const waiting = dispatcher.remove(id)
    if (!waiting) return
    try {
      const ended = await commit.write(async (trx) => {
        const row = await trx
          .updateTable('requests')
          .set({ start_failure: why.replaceAll('\0', '\ufffd').slice(0, 2000) })
          .where('id', '=', id)
          .where('state', '<>', 'claimed')
          .returning('buildset_id')
          .executeTakeFirst()
        return row && storeRequestEnd(trx, id, row.buildset_id, 'EXCEPTION')
      })
      if (ended)
        publish({ type: 'request.completed', request: id, builder: waiting.builder, result: 'EXCEPTION' })
    } catch (error) {
      dispatcher.add(waiting)
      throw error
    }
  }

  /** What the request's build would have on a worker; undefined when it does not wait any more. */
  async propertiesOf(request: number, worker: string): Promise<PropertyReader | undefined> {
    const { builders, db, fleet } = this.#o
    const row = await selectWaiting(db).where('r.id', '=', request).executeTakeFirst()
    const spec = fleet.get(worker)?.spec
    const builder = row && builders.get(row.builder)
    if (!row || !spec || !builder) return undefined
    const { source, submitted } = waitingRequest(row)
    return buildProperties(builder, spec, { source, submitted })
  }

  /** The machine is gone: what runs there is lost, and its builds are retried. */
  lose(instance: Worker, reason: string): void {
    this.#o.commands.loseAll(instance, reason)
  }

  /** Something that may let a request run has changed. */
  wake(): void {
    this.#o.dispatcher.wake()
  }
}
