import { sql, type Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { GroupCommit } from '../db/group-commit.ts'
import type { Database } from '../db/schema.ts'
import type { EventBody } from '../model/events.ts'
import type { Clock } from '../util/clock.ts'
import { whenMissing, type Missing } from './missing.ts'
import { closeLost } from './store-session.ts'
import { storeMissing } from './store-missing.ts'
import type { MissingSpec, WorkerSpec } from './worker-spec.ts'

interface MissingWatchOptions {
  readonly db: Kysely<Database>
  readonly commit: Pick<GroupCommit, 'write'>
  readonly clock: Clock
  readonly log: Logger
  readonly publish: (event: EventBody) => void
  /** Of the config. */
  readonly workers: () => Iterable<WorkerSpec>
  /** Names of the builders that can use a worker. */
  readonly buildersOf: (worker: string) => readonly string[]
}

/** Finds the workers that are missing. What it knows stands in the database, so that any master can look, at any time. */
export class MissingWatch {
  readonly #o: MissingWatchOptions
  readonly #readyAt: number

  constructor(options: MissingWatchOptions) {
    this.#o = options
    this.#readyAt = options.clock.now()
  }

  /** Notes those that are missing now. Resolves with the time at which it is worth looking again. */
  async check(): Promise<Date> {
    const { clock, commit, log, publish } = this.#o
    await commit.write(closeLost)
    const specs = [...this.#o.workers()].filter((spec) => spec.missing !== undefined)
    const now = clock.now()
    let next = now + longestPause
    for (const { absence, row } of await this.#absences(specs, now)) {
      const missing = whenMissing(absence)
      if (!missing) continue
      if (missing.at > now) {
        next = Math.min(next, missing.at)
        continue
      }
      const reason = await this.#reasonOf(missing.why, row)
      const { id, name } = row
      const { since, why } = missing
      const found = { id, name, reason, why, since: new Date(since), now: new Date(now) }
      if (!(await commit.write((trx) => storeMissing(trx, found)))) continue
      log.warn({ worker: name, since: found.since }, `worker is missing: ${reason}`)
      publish({ type: 'worker.missing', worker: name, reason })
    }
    return new Date(next)
  }

  async #absences(specs: readonly WorkerSpec[], now: number) {
    if (specs.length === 0) return []
    const byName = new Map(specs.map((spec) => [spec.name, spec.missing!]))
    const rows = await sql<WorkerRow>`
      select w.id, w.name, w.kind, w.expected_since, w.disconnected_at, w.missing_noticed_at, w.wanted_since,
        w.short_since,
        (select count(*)::int from sessions s where s.worker_id = w.id and s.disconnected_at is null) as connected,
        (select min(i.created_at) from instances i where i.worker_id = w.id
          and i.state in ('requested', 'starting', 'sealing')) as unborn_since,
        exists (select from start_backoffs b where b.worker_id = w.id) as held_up
      from workers w where w.name = any(${[...byName.keys()]})`.execute(this.#o.db)
    const absences = []
    for (const row of rows.rows) {
      const spec = byName.get(row.name)!
      const latent = row.kind === 'latent' ? await this.#remember(row, spec, now) : undefined
      const absence = {
        timeout: spec.timeout,
        readyAt: this.#readyAt,
        noticed: row.missing_noticed_at !== null,
        awaySince: latent || row.connected > 0 ? null : awaySince(row, this.#readyAt),
        wantedSince: latent?.wantedSince ?? null,
        shortSince: latent?.shortSince ?? null,
      }
      absences.push({ absence, row })
    }
    return absences
  }

  /** Since when instances of a latent worker are wanted, and there are too few of them: stored, to hold over a restart. */
  async #remember(row: WorkerRow, spec: MissingSpec, now: number) {
    const isWanted =
      row.unborn_since !== null || (row.held_up && (await this.#hasRequests(this.#o.buildersOf(row.name))))
    const wanted = isWanted ? (row.wanted_since ?? row.unborn_since ?? new Date(now)) : null
    const short = row.connected < spec.minIdle ? (row.short_since ?? new Date(now)) : null
    if (
      wanted?.getTime() !== row.wanted_since?.getTime() ||
      short?.getTime() !== row.short_since?.getTime()
    ) {
      await this.#o.commit.write((trx) =>
        trx
          .updateTable('workers')
          .set({ wanted_since: wanted, short_since: short })
          .where('id', '=', row.id)
          .execute(),
      )
    }
    return { wantedSince: wanted?.getTime() ?? null, shortSince: short?.getTime() ?? null }
  }

  async #hasRequests(builders: readonly string[]): Promise<boolean> {
    const row = await this.#o.db
      .selectFrom('requests as r')
      .innerJoin('builders as b', 'b.id', 'r.builder_id')
      .select('r.id')
      .where('r.state', '=', 'pending')
      .where('b.name', '=', sql<string>`any(${builders})`)
      .limit(1)
      .executeTakeFirst()
    return row !== undefined
  }

  async #reasonOf(why: Missing['why'], { connected, id, kind }: WorkerRow): Promise<string> {
    if (why === 'away') return kind === 'static' ? 'it is not connected' : 'it is not there'
    const last = await this.#o.db
      .selectFrom('instances')
      .select(['detail', 'stop_reason'])
      .where('worker_id', '=', id)
      .orderBy('created_at', 'desc')
      .limit(1)
      .executeTakeFirst()
    const detail = last?.stop_reason ?? last?.detail
    const what =
      why === 'wanted'
        ? 'its instances do not bring their agents'
        : `only ${connected} of its instances are there`
    return detail ? `${what}: ${detail}` : what
  }
}

interface WorkerRow {
  readonly id: number
  readonly name: string
  readonly kind: string
  readonly expected_since: Date | null
  readonly disconnected_at: Date | null
  readonly missing_noticed_at: Date | null
  readonly wanted_since: Date | null
  readonly short_since: Date | null
  readonly connected: number
  readonly unborn_since: Date | null
  readonly held_up: boolean
}

/** It counts from when it was lost, or came into the config. */
function awaySince({ disconnected_at, expected_since }: WorkerRow, readyAt: number): number {
  const since = Math.max(disconnected_at?.getTime() ?? 0, expected_since?.getTime() ?? 0)
  return since === 0 ? readyAt : since
}

/** Milliseconds until the next look although nothing is due. */
const longestPause = 60_000
