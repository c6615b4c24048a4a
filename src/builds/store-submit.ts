import type { Transaction } from 'kysely'
import type { Database, Origin } from '../db/schema.ts'
import type { Property } from '../model/properties.ts'
import type { SourceStamp } from '../model/source-stamp.ts'

export interface Submission {
  readonly builders: readonly string[]
  readonly source: SourceStamp
  readonly properties: readonly Property[]
  readonly priority: number
  readonly reason: string
  readonly origin: Origin
  readonly scheduler?: string
  /** A build waits for it. */
  readonly waitedFor?: boolean
  /** Whatever is submitted twice with one key is stored once. */
  readonly idempotencyKey: string
}

export interface Submitted {
  readonly buildsetId: number
  readonly requests: readonly { id: number; builder: string; pending: boolean }[]
}

/** One buildset with a request per builder, in the caller's transaction. */
export async function storeSubmission(trx: Transaction<Database>, s: Submission): Promise<Submitted> {
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
  const requests = []
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
    requests.push({ id, builder, pending: true })
  }
  return { buildsetId: buildset.id, requests }
}

async function storedBefore(trx: Transaction<Database>, key: string): Promise<Submitted> {
  const rows = await trx
    .selectFrom('requests')
    .innerJoin('buildsets', 'buildsets.id', 'requests.buildset_id')
    .innerJoin('builders', 'builders.id', 'requests.builder_id')
    .select(['requests.id', 'requests.buildset_id', 'builders.name as builder', 'requests.state'])
    .where('buildsets.idempotency_key', '=', key)
    .orderBy('requests.id')
    .execute()
  return {
    buildsetId: rows[0]!.buildset_id,
    requests: rows.map(({ state, ...row }) => ({ ...row, pending: state === 'pending' })),
  }
}
