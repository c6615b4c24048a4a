import type { Logger } from 'pino'
import type { GroupCommit } from '../db/group-commit.ts'
import { RouseError } from '../model/errors.ts'
import type { EventBody } from '../model/events.ts'
import type { Clock } from '../util/clock.ts'
import type { Admin } from './admin.ts'
import type { Fleet } from './fleet.ts'
import { storeAdmin, storeAdminEnd } from './store-admin.ts'
import type { Worker } from './worker.ts'

interface WorkerAdminOptions {
  readonly fleet: Fleet
  readonly commit: GroupCommit
  readonly clock: Clock
  readonly log: Logger
  readonly publish: (event: EventBody) => void
}

/** Pauses, drains and resumes workers; what has an end is ended in time. */
export class WorkerAdmin {
  readonly #o: WorkerAdminOptions
  #changed = new AbortController()

  constructor(options: WorkerAdminOptions) {
    this.#o = options
  }

  /** Resolves when it is committed. Throws ROUSE_WORKER_UNKNOWN. */
  async set(name: string, admin: Admin): Promise<void> {
    const { commit, fleet, log } = this.#o
    const worker = fleet.get(name)
    if (!worker) throw new RouseError('ROUSE_WORKER_UNKNOWN', `there is no worker "${name}"`)
    await commit.write((trx) => storeAdmin(trx, worker.rowId, admin))
    log.info({ worker: name, ...admin }, `worker ${admin.state === 'active' ? 'resumed' : admin.state}`)
    this.#apply(worker, admin)
    this.#changed.abort()
  }

  /** Resumes workers whose `until` has come, until aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, fleet, log } = this.#o
    while (!signal.aborted) {
      this.#changed = new AbortController()
      const now = clock.now()
      let next = now + longestSleep
      for (const worker of fleet.all()) {
        const until = worker.admin.until?.getTime() ?? Infinity
        if (until > now) next = Math.min(next, until)
        else {
          next = Math.min(next, now + retryAfter)
          await this.#end(worker).catch((error: unknown) =>
            log.error({ err: error, worker: worker.name }, 'could not resume a worker; trying again'),
          )
        }
      }
      const wake = AbortSignal.any([signal, this.#changed.signal])
      await clock.sleep(next - clock.now(), wake).catch(() => {})
    }
  }

  async #end(worker: Worker): Promise<void> {
    const { admin } = worker
    const stored = await this.#o.commit.write((trx) => storeAdminEnd(trx, worker.rowId, admin.until!))
    // Somebody may have decided anew meanwhile.
    if (worker.admin !== admin) return
    if (stored.state === 'active')
      this.#o.log.info({ worker: worker.name }, 'worker resumed: its time is over')
    this.#apply(worker, stored)
  }

  #apply(worker: Worker, admin: Admin): void {
    worker.admin = admin
    this.#o.publish({ type: 'worker.changed', worker: worker.name })
    this.#o.fleet.changed(worker)
  }
}

/** Milliseconds. A timer cannot sleep for a month. */
const longestSleep = 3_600_000
const retryAfter = 1000
