import { sql, type Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import { noteRequest } from '../db/store-notice.ts'
import type { Properties } from '../model/properties.ts'
import type { SourceStamp } from '../model/source-stamp.ts'
import type { Step, StepOutcome } from '../steps/step.ts'
import { buildProperties } from './build-properties.ts'
import type { StoredCalls } from './stored-calls.ts'
import type { BuilderConfig } from '../config/types.ts'
import type { Place } from '../fleet/worker.ts'

export interface Claim {
  readonly requestId: number
  readonly builder: BuilderConfig
  readonly place: Place
  readonly runId: string
  readonly master: { readonly id: string; readonly epoch: number }
}

/** A build that was claimed and stored with its steps. */
export interface ClaimedBuild {
  readonly id: number
  readonly requestId: number
  readonly buildsetId: number
  readonly attempt: number
  readonly reason: string
  readonly source: SourceStamp
  readonly properties: Properties
  /** Failures of the infrastructure that the request has seen so far. */
  readonly infraFailures: number
  readonly steps: readonly ClaimedStep[]
}

export interface ClaimedStep {
  readonly id: number
  readonly number: number
  /** undefined: a step that was added, which the one that added it has yet to tell. */
  readonly step: Step | undefined
  /** How it ended under an earlier master: it is not run again. */
  readonly ended?: StepOutcome
  /** What an earlier master has stored of it while it ran. */
  readonly stored?: StoredCalls
}

/**
 * Turns a pending request into a build. Undefined when the request is no longer pending. May run again after a commit
 * whose answer was lost: then it finds what it made.
 */
export async function storeClaim(
  trx: Transaction<Database>,
  claim: Claim,
): Promise<ClaimedBuild | undefined> {
  const { builder, master, place, requestId, runId } = claim
  const request = await trx
    .updateTable('requests')
    .set({
      state: 'claimed',
      claimed_at: sql<Date>`now()`,
      owner: master.id,
      epoch: master.epoch,
      attempts: sql<number>`case state when 'pending' then attempts + 1 else attempts end`,
    })
    .where('id', '=', requestId)
    .where((eb) =>
      eb.or([
        eb('state', '=', 'pending'),
        eb.and([eb('state', '=', 'claimed'), eb('owner', '=', master.id), eb('epoch', '=', master.epoch)]),
      ]),
    )
    .returning(['attempts', 'buildset_id', 'builder_id', 'infra_failures'])
    .executeTakeFirst()
  if (!request) return undefined
  const buildset = await trx
    .selectFrom('buildsets')
    .innerJoin('source_stamps', 'source_stamps.id', 'buildsets.source_stamp_id')
    .select(['reason', 'properties', 'repository', 'branch', 'revision'])
    .where('buildsets.id', '=', request.buildset_id)
    .executeTakeFirstOrThrow()
  const build = await trx
    .insertInto('builds')
    .values({
      request_id: requestId,
      builder_id: request.builder_id,
      worker_id: place.worker.rowId,
      instance_id: place.worker.instanceId,
      attempt: request.attempts,
      slot: place.slot,
      run_id: runId,
      owner: master.id,
      epoch: master.epoch,
    })
    .onConflict((oc) => oc.columns(['request_id', 'attempt']).doUpdateSet({ slot: place.slot }))
    .returning('id')
    .executeTakeFirstOrThrow()
  await noteRequest(trx, { type: 'build.started', request: requestId, build: build.id })
  const source = { repository: buildset.repository, branch: buildset.branch, revision: buildset.revision }
  const properties = buildProperties(builder, place.worker.spec, {
    source,
    submitted: buildset.properties,
    buildId: build.id,
  })
  await trx
    .insertInto('build_properties')
    .values(properties.list().map((p) => ({ ...p, build_id: build.id, value: JSON.stringify(p.value) })))
    .onConflict((oc) => oc.doNothing())
    .execute()
  const steps = await trx
    .insertInto('steps')
    .values(builder.steps.map((step, i) => ({ build_id: build.id, number: i + 1, name: step.name })))
    .onConflict((oc) =>
      oc.columns(['build_id', 'number']).doUpdateSet((eb) => ({ name: eb.ref('excluded.name') })),
    )
    .returning(['id', 'number'])
    .execute()
  await trx
    .updateTable('builders')
    .set({ last_served_at: sql<Date>`now()` })
    .where('id', '=', request.builder_id)
    .execute()
  return {
    id: build.id,
    requestId,
    buildsetId: request.buildset_id,
    attempt: request.attempts,
    infraFailures: request.infra_failures,
    reason: buildset.reason,
    source,
    properties,
    steps: steps
      .sort((a, b) => a.number - b.number)
      .map((row) => ({ ...row, step: builder.steps[row.number - 1]! })),
  }
}
