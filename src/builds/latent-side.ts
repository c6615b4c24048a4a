import type { GroupCommit } from '../db/group-commit.ts'
import type { Worker } from '../fleet/worker.ts'
import type { EventBody } from '../model/events.ts'
import type { Commands } from './commands.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { PendingRequest } from './pending-queue.ts'
import { storeRequestEnd } from './store-result.ts'

interface LatentSideOptions {
  readonly dispatcher: Dispatcher
  readonly commands: Commands
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
          .set({ start_failure: why })
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

  /** The machine is gone: what runs there is lost, and its builds are retried. */
  lose(instance: Worker, reason: string): void {
    this.#o.commands.loseAll(instance, reason)
  }

  /** Something that may let a request run has changed. */
  wake(): void {
    this.#o.dispatcher.wake()
  }
}
