import type { Transaction } from 'kysely'
import type { Database, Origin } from '../db/schema.ts'
import { noteRequest } from '../db/store-notice.ts'
import type { Property } from '../model/properties.ts'
import type { SourceStamp } from '../model/source-stamp.ts'
import type { CollapseRequests } from '../config/types.ts'
import { storeCollapse, type SupersededRequest } from './store-collapse.ts'

export interface Submission {
  readonly builders: readonly string[]
  readonly source: SourceStamp
  readonly properties: readonly Property[]
  /** Builds that a build triggers inherit its own: the request's `priority`. */
  readonly priority: number
  /** A build waits for the result: the request is never collapsed. Default false. */
  readonly waitedFor?: boolean
  readonly reason: string
  readonly origin: Origin
  readonly scheduler?: string
  /** Whatever is submitted twice with one key is stored once. */
  readonly idempotencyKey: string
}

export interface Submitted {
  readonly buildsetId: number
  readonly requests: readonly SubmittedRequest[]
  /** Older requests that these have made superfluous. */
  readonly superseded: readonly SupersededRequest[]
}

export interface SubmittedRequest {
  readonly id: number
  readonly builder: string
  readonly pending: boolean
  readonly priority: number
}

export interface CollapseRules {
  /** The builder's own rule. */
  of(builder: string): CollapseRequests | undefined
  /** A function of a builder failed. */
  failed(builder: string, error: unknown): void
}

/** One buildset with a request per builder, in the caller's transaction. */
export async function storeSubmission(
  trx: Transaction<Database>,
  s: Submission,
  rules: CollapseRules,
): Promise<Submitted> {
  const { branch, repository, revision } = s.source
  const stamp = await trx
    .insertInto('source_stamps')
    .values({ repository, branch, revision })
    .onConflict((oc) => oc.columns(['repository', 'branch', 'revision']).doUpdateSet({ repository }))
    .returning('id')
    .executeTakeFirstOrThrow()
  const buildset = await trx
    .insertInto('buildsets')
    .values({
      reason: s.reason,
      origin: s.origin,
      scheduler: s.scheduler ?? null,
      source_stamp_id: stamp.id,
      properties: JSON.stringify(s.properties),
      idempotency_key: s.idempotencyKey,
    })
    .onConflict((oc) => oc.column('idempotency_key').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (!buildset) return storedBefore(trx, s.idempotencyKey)
  const requests: SubmittedRequest[] = []
  const superseded: SupersededRequest[] = []
  for (const builder of s.builders) {
    const { id } = await trx
      .insertInto('requests')
      .values(({ selectFrom }) => ({
        buildset_id: buildset.id,
        builder_id: selectFrom('builders').select('id').where('name', '=', builder),
        priority: s.priority,
        waited_for: s.waitedFor ?? false,
      }))
      .returning('id')
      .executeTakeFirstOrThrow()
    await noteRequest(trx, { type: 'request.submitted', request: id })
    let { priority } = s
    if (s.origin === 'scheduler' && !s.waitedFor) {
      const failed = (error: unknown) => rules.failed(builder, error)
      const collapsed = await storeCollapse(trx, id, rules.of(builder) ?? true, failed)
      superseded.push(...collapsed.superseded)
      priority = collapsed.priority
    }
    requests.push({ id, builder, pending: true, priority })
  }
  return { buildsetId: buildset.id, requests, superseded }
}

async function storedBefore(trx: Transaction<Database>, key: string): Promise<Submitted> {
  const rows = await trx
    .selectFrom('requests')
    .innerJoin('buildsets', 'buildsets.id', 'requests.buildset_id')
    .innerJoin('builders', 'builders.id', 'requests.builder_id')
    .select(['requests.id', 'requests.buildset_id', 'requests.priority', 'requests.state'])
    .select('builders.name as builder')
    .where('buildsets.idempotency_key', '=', key)
    .orderBy('requests.id')
    .execute()
  const superseded = await trx
    .selectFrom('requests')
    .innerJoin('builders', 'builders.id', 'requests.builder_id')
    .select(['requests.id', 'builders.name as builder', 'requests.superseded_by'])
    .where(
      'requests.superseded_by',
      'in',
      rows.map((row) => row.id),
    )
    .execute()
  return {
    buildsetId: rows[0]!.buildset_id,
    requests: rows.map(({ state, ...row }) => ({ ...row, pending: state === 'pending' })),
    superseded: superseded.map(({ superseded_by, ...row }) => ({ ...row, by: superseded_by! })),
  }
}
