import type { Kysely } from 'kysely'
import type { GroupCommit } from '../db/group-commit.ts'
import type { Database } from '../db/schema.ts'
import { RouseError } from '../model/errors.ts'
import type { EventBody } from '../model/events.ts'
import type { Dispatcher } from './dispatcher.ts'
import { loadLeftBehind } from './load-left-behind.ts'
import type { RunningBuild } from './running-build.ts'
import { storeBuildCancel, storeRequestCancel } from './store-cancel.ts'

interface CancelsOptions {
  readonly db: Kysely<Database>
  readonly commit: Pick<GroupCommit, 'write'>
  readonly dispatcher: Dispatcher
  readonly publish: (event: EventBody) => void
}

/** Cancels requests and builds, wherever they are. */
export class Cancels {
  readonly #o: CancelsOptions

  constructor(options: CancelsOptions) {
    this.#o = options
  }

  /** Waiting, being claimed, or running. Nothing happens when it has ended. */
  async request(id: number, reason: string): Promise<void> {
    const { db, dispatcher } = this.#o
    const request = await db
      .selectFrom('requests')
      .innerJoin('builders', 'builders.id', 'requests.builder_id')
      .select(['requests.id', 'requests.buildset_id', 'builders.name as builder'])
      .where('requests.id', '=', id)
      .executeTakeFirst()
    if (!request) throw new RouseError('ROUSE_REQUEST_UNKNOWN', `there is no request r${id}`)
    for (;;) {
      const build = await dispatcher.runner.buildOf(id)
      if (!build) return this.#waiting(request, reason)
      if (await this.#running(build, reason)) return
      // It has just ended, perhaps to be tried again.
      await dispatcher.runner.settled(id)
    }
  }

  /** Resolves when the wish is committed. */
  async build(id: number, reason: string): Promise<void> {
    const { commit, db, dispatcher } = this.#o
    const running = dispatcher.runner.running.get(id)
    if (running) return void (await this.#running(running, reason))
    const build = await db.selectFrom('builds').select('id').where('id', '=', id).executeTakeFirst()
    if (!build) throw new RouseError('ROUSE_BUILD_UNKNOWN', `there is no build ${id}`)
    // It has ended, or whoever takes it up finds the wish.
    await commit.write((trx) => storeBuildCancel(trx, { id }, reason))
  }

  /** What a build waited for that a master cancelled or ended, and had no time to cancel. */
  async leftBehind(): Promise<void> {
    for (const { id, reason } of await loadLeftBehind(this.#o.db)) await this.request(id, reason)
  }

  async #waiting(request: { id: number; buildset_id: number; builder: string }, reason: string) {
    const { buildset_id, builder, id } = request
    const { commit, dispatcher, publish } = this.#o
    const waiting = dispatcher.remove(id)
    try {
      const ended = await commit.write((trx) => storeRequestCancel(trx, id, buildset_id, reason))
      if (ended) publish({ type: 'request.completed', request: id, builder, result: 'CANCELLED' })
    } catch (error) {
      if (waiting) dispatcher.add(waiting)
      throw error
    }
  }

  /** False when the build has ended. */
  async #running(build: RunningBuild, reason: string): Promise<boolean> {
    const { id } = build.claimed
    // Known before it is stored, so that the build cannot end as one to be tried again meanwhile.
    build.cancelReason ??= reason
    const lives = await this.#o.commit.write((trx) => storeBuildCancel(trx, { id }, reason))
    build.cancel(reason)
    return lives
  }
}
