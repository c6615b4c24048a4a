import { sql, type Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { Property } from '../model/properties.ts'
import type { Result } from '../model/results.ts'
import type { SourceStamp } from '../model/source-stamp.ts'
import type { StoredCalls } from './stored-calls.ts'

type Trx = Transaction<Database>

/** A build that its master has left unfinished, as it is stored. */
export interface UnfinishedBuild {
  readonly id: number
  readonly requestId: number
  readonly buildsetId: number
  readonly builder: string
  readonly worker: string
  /** Of a latent worker. */
  readonly instance: string | null
  readonly workerId: number
  readonly workerKind: string
  readonly slot: number
  readonly runId: string
  readonly attempt: number
  readonly infraFailures: number
  readonly priority: number
  readonly waitedFor: boolean
  readonly reason: string
  readonly cancelReason: string | null
  readonly source: SourceStamp
  readonly properties: readonly Property[]
  readonly steps: readonly UnfinishedStep[]
}

export interface UnfinishedStep {
  readonly id: number
  readonly number: number
  readonly name: string
  readonly result: Result | null
  readonly summary: string | null
  readonly stored: StoredCalls
}

/** Commands that a worker's agent has. */
export interface HeldCommands {
  readonly workerId: number
  readonly ids: readonly string[]
}

interface TakeUpOptions {
  readonly master: { readonly id: string; readonly epoch: number }
  /** Their builds are taken up whoever owns them. */
  readonly held: HeldCommands
  /** Whether this master has the build of this request in its hands already. */
  readonly isKnown: (requestId: number) => boolean
}

/**
 * Makes this master the owner of the unfinished builds of masters that have stopped or lost their lease, and returns all
 * that it owns and does not know: also those that it took up before, in case the answer of an earlier commit was lost.
 */
export async function takeUp(trx: Trx, { held, isKnown, master }: TakeUpOptions): Promise<UnfinishedBuild[]> {
  const { epoch, id: owner } = master
  const taken = await trx
    .updateTable('builds')
    .from('masters')
    .set({ owner, epoch })
    .whereRef('masters.id', '=', 'builds.owner')
    .where('builds.result', 'is', null)
    .where('masters.id', '<>', owner)
    .where((eb) =>
      eb.or([
        eb('masters.stopped_at', 'is not', null),
        eb('masters.lease_until', '<', sql<Date>`now()`),
        eb.and([eb('builds.worker_id', '=', held.workerId), eb('builds.id', 'in', buildsOf(trx, held))]),
      ]),
    )
    .returning('builds.request_id')
    .execute()
  if (taken.length > 0) {
    const ids = taken.map((row) => row.request_id)
    await trx.updateTable('requests').set({ owner, epoch }).where('id', 'in', ids).execute()
  }
  const owned = await trx
    .selectFrom('builds')
    .select(['id', 'request_id'])
    .where('result', 'is', null)
    .where('owner', '=', owner)
    .where('epoch', '=', epoch)
    .execute()
  const ids = owned.filter((row) => !isKnown(row.request_id)).map((row) => row.id)
  return ids.length === 0 ? [] : load(trx, ids)
}

function buildsOf(trx: Trx, { ids }: HeldCommands) {
  return trx
    .selectFrom('commands')
    .select('build_id')
    .where('id', '=', sql<string>`any(${ids}::uuid[])`)
}

async function load(trx: Trx, ids: readonly number[]): Promise<UnfinishedBuild[]> {
  const rows = await trx
    .selectFrom('builds as b')
    .innerJoin('requests as r', 'r.id', 'b.request_id')
    .innerJoin('buildsets as s', 's.id', 'r.buildset_id')
    .innerJoin('source_stamps as p', 'p.id', 's.source_stamp_id')
    .innerJoin('builders', 'builders.id', 'b.builder_id')
    .innerJoin('workers', 'workers.id', 'b.worker_id')
    .select(['b.id', 'b.request_id', 'b.slot', 'b.run_id', 'b.attempt', 'b.cancel_reason', 'b.instance_id'])
    .select(['r.buildset_id', 'r.infra_failures', 'r.priority', 'r.waited_for', 's.reason'])
    .select(['workers.id as worker_id', 'workers.kind as worker_kind'])
    .select(['p.repository', 'p.branch', 'p.revision', 'builders.name as builder', 'workers.name as worker'])
    .where('b.id', 'in', ids)
    .orderBy('b.id')
    .execute()
  return Promise.all(
    rows.map(async (row) => ({
      id: row.id,
      requestId: row.request_id,
      buildsetId: row.buildset_id,
      builder: row.builder,
      worker: row.worker,
      instance: row.instance_id,
      workerId: row.worker_id,
      workerKind: row.worker_kind,
      slot: row.slot,
      runId: row.run_id,
      attempt: row.attempt,
      infraFailures: row.infra_failures,
      priority: row.priority,
      waitedFor: row.waited_for,
      reason: row.reason,
      cancelReason: row.cancel_reason,
      source: { repository: row.repository, branch: row.branch, revision: row.revision },
      properties: await trx
        .selectFrom('build_properties')
        .select(['name', 'value', 'source'])
        .where('build_id', '=', row.id)
        .execute(),
      steps: await stepsOf(trx, row.id),
    })),
  )
}

async function stepsOf(trx: Trx, buildId: number): Promise<UnfinishedStep[]> {
  const steps = await trx
    .selectFrom('steps')
    .select(['id', 'number', 'name', 'result', 'summary'])
    .where('build_id', '=', buildId)
    .orderBy('number')
    .execute()
  return Promise.all(steps.map(async (step) => ({ ...step, stored: await storedCalls(trx, step.id) })))
}

async function storedCalls(trx: Trx, stepId: number): Promise<StoredCalls> {
  const [commands, moreLogs, effects, logs] = await Promise.all([
    trx
      .selectFrom('commands')
      .select(['id', 'call', 'operation', 'result', 'log_id as logId', 'log_base as logBase'])
      .select('log_bytes as logBytes')
      .where('step_id', '=', stepId)
      .orderBy('created_at')
      .execute(),
    trx
      .selectFrom('command_logs as l')
      .innerJoin('commands as c', 'c.id', 'l.command_id')
      .select(['l.command_id as command', 'l.log_id as logId', 'l.log_base as logBase'])
      .where('c.step_id', '=', stepId)
      .orderBy('l.log')
      .execute(),
    trx
      .selectFrom('effects')
      .select(['call', 'kind', 'request', 'result'])
      .where('step_id', '=', stepId)
      .execute(),
    trx
      .selectFrom('logs')
      .select(['id', 'name', 'bytes', 'lines'])
      .where('step_id', '=', stepId)
      .orderBy('id')
      .execute(),
  ])
  const whole = commands.map((command) => ({
    ...command,
    moreLogs: moreLogs.filter((log) => log.command === command.id),
  }))
  return { commands: whole, effects, logs }
}
