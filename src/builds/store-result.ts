import { sql, type Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import { noteBuildset, noteRequest } from '../db/store-notice.ts'
import { type Result, worse } from '../model/results.ts'

export interface BuildEnd {
  readonly buildId: number
  readonly requestId: number
  readonly buildsetId: number
  readonly result: Result
  readonly summary: string | null
  readonly epoch: number
  /** Set for RETRY: when the request may run again, and which worker to avoid. */
  readonly retry?: {
    readonly notBefore: Date
    readonly avoidWorkerId: number | null
    /** Whether it counts against `maxInfraRetries`. */
    readonly counts: boolean
  }
}

/**
 * Ends a build and, unless it is retried, its request and perhaps its buildset. False when it had another end already. May
 * run again after a commit whose answer was lost: then it finds its own.
 */
export async function storeBuildEnd(trx: Transaction<Database>, end: BuildEnd): Promise<boolean> {
  const ended = await trx
    .updateTable('builds')
    .set({ result: end.result, summary: end.summary, finished_at: sql<Date>`now()` })
    .where('id', '=', end.buildId)
    .where('epoch', '=', end.epoch)
    .where('result', 'is', null)
    .returning('id')
    .executeTakeFirst()
  if (!ended) return hasEnd(trx, end)
  const { buildId: build, requestId: request, result } = end
  await noteRequest(trx, { type: 'build.finished', request, build, result })
  await trx
    .updateTable('steps')
    .set(({ eb }) => ({
      result: eb
        .case()
        .when('started_at', 'is', null)
        .then<Result>('SKIPPED')
        .else(stepInFlight(end.result))
        .end(),
      finished_at: sql<Date>`now()`,
    }))
    .where('build_id', '=', end.buildId)
    .where('result', 'is', null)
    .execute()
  await trx
    .updateTable('logs')
    .set({ finished: true })
    .where('finished', '=', false)
    .where('step_id', 'in', trx.selectFrom('steps').select('id').where('build_id', '=', end.buildId))
    .execute()
  if (end.retry) {
    await trx
      .updateTable('requests')
      .set({
        state: 'pending',
        owner: null,
        not_before: end.retry.notBefore,
        avoid_worker_id: end.retry.avoidWorkerId,
        infra_failures: sql<number>`infra_failures + ${end.retry.counts ? 1 : 0}`,
      })
      .where('id', '=', end.requestId)
      .where('state', '=', 'claimed')
      .execute()
  } else {
    await storeRequestEnd(trx, end.requestId, end.buildsetId, end.result)
  }
  return true
}

/** Ends a request; the last one of a buildset ends the buildset. False when it had another result already. */
export async function storeRequestEnd(
  trx: Transaction<Database>,
  requestId: number,
  buildsetId: number,
  result: Result,
): Promise<boolean> {
  const ended = await trx
    .updateTable('requests')
    .set({ state: 'complete', result, completed_at: sql<Date>`now()` })
    .where('id', '=', requestId)
    .where('state', '<>', 'complete')
    .returning('id')
    .executeTakeFirst()
  if (ended) await noteRequest(trx, { type: 'request.completed', request: requestId, result })
  const siblings = await storeBuildsetEnd(trx, buildsetId)
  return ended !== undefined || siblings.some((s) => s.id === requestId && s.result === result)
}

/** Ends a buildset once all its requests have. Returns these. */
export async function storeBuildsetEnd(
  trx: Transaction<Database>,
  buildsetId: number,
): Promise<{ id: number; result: Result | null }[]> {
  // Two requests of one buildset may end at once; the lock makes one of them see the other's result.
  await trx.selectFrom('buildsets').select('id').where('id', '=', buildsetId).forUpdate().execute()
  const siblings = await trx
    .selectFrom('requests')
    .select(['id', 'result'])
    .where('buildset_id', '=', buildsetId)
    .execute()
  if (siblings.every((s) => s.result !== null)) {
    const result = siblings.map((s) => s.result!).reduce(worse)
    await trx
      .updateTable('buildsets')
      .set({ result, completed_at: sql<Date>`now()` })
      .where('id', '=', buildsetId)
      .where('result', 'is', null)
      .execute()
    await noteBuildset(trx, { type: 'buildset.completed', buildset: buildsetId, result })
  }
  return siblings
}

async function hasEnd(trx: Transaction<Database>, { buildId, epoch, result }: BuildEnd): Promise<boolean> {
  const row = await trx
    .selectFrom('builds')
    .select('id')
    .where('id', '=', buildId)
    .where('epoch', '=', epoch)
    .where('result', '=', result)
    .executeTakeFirst()
  return row !== undefined
}

function stepInFlight(build: Result): Result {
  return build === 'CANCELLED' || build === 'RETRY' ? build : 'EXCEPTION'
}
