import { sql, type Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { Hello } from '../protocol/messages.ts'
import { storeFound, storeLoss } from './store-missing.ts'
import type { WorkerSession } from './worker.ts'

/**
 * May run again after a commit whose answer was lost. Throws when a newer master holds the worker's session, and when another
 * agent's credential is stored for the instance, or it was reset since the login.
 */
export async function storeConnected(
  trx: Transaction<Database>,
  session: WorkerSession,
  hello: Hello,
  master: { id: string; epoch: number },
): Promise<void> {
  const { instanceId, name, rowId: worker_id } = session.worker
  const newer = await trx
    .selectFrom('sessions')
    .select('epoch')
    .where('worker_id', '=', worker_id)
    .where('instance_id', 'is not distinct from', instanceId)
    .where('disconnected_at', 'is', null)
    .where('epoch', '>', master.epoch)
    .executeTakeFirst()
  if (newer) throw new Error(`a master of epoch ${newer.epoch} holds a session of ${name}`)
  await trx
    .updateTable('sessions')
    .set({ disconnected_at: session.connectedAt, disconnect_reason: 'replaced by a new connection' })
    .where('worker_id', '=', worker_id)
    .where('instance_id', 'is not distinct from', instanceId)
    .where('id', '<>', session.id)
    .where('epoch', '<=', master.epoch)
    .where('disconnected_at', 'is', null)
    .execute()
  await trx
    .insertInto('sessions')
    .values({
      id: session.id,
      worker_id,
      instance_id: instanceId,
      owner: master.id,
      epoch: master.epoch,
      run_id: session.runId,
      address: session.address,
      version: session.version,
      connected_at: session.connectedAt,
    })
    .onConflict((oc) => oc.column('id').doNothing())
    .execute()
  await trx
    .updateTable('workers')
    .set({
      facts: JSON.stringify(withoutNul(hello.facts)),
      last_address: session.address,
      last_connected_at: session.connectedAt,
      last_seen_at: session.connectedAt,
      disconnected_at: null,
    })
    .where('id', '=', worker_id)
    .execute()
  await storeFound(trx, session.worker, { address: session.address, now: session.connectedAt })
  if (instanceId !== null) await storeCredential(trx, instanceId, session)
}

// The first credential stays: of two agents that know an instance's token only one becomes its agent.
async function storeCredential(
  trx: Transaction<Database>,
  instanceId: string,
  { credentialHash: hash, generation }: Pick<WorkerSession, 'credentialHash' | 'generation'>,
): Promise<void> {
  const stored = await trx
    .updateTable('instances')
    .set(({ fn }) => ({
      credential_hash: fn.coalesce('credential_hash', sql<Buffer | null>`${hash ?? null}::bytea`),
    }))
    .where('id', '=', instanceId)
    // It may have been reset since the login.
    .where('generation', '=', generation ?? -1)
    .returning('credential_hash')
    .executeTakeFirst()
  if (!hash || !stored?.credential_hash?.equals(hash))
    throw new Error(`another agent has logged in as instance ${instanceId}, or it was reset`)
}

export async function storeDisconnected(
  trx: Transaction<Database>,
  session: Pick<WorkerSession, 'id' | 'lastSeen' | 'worker'>,
  reason: string,
  { at, epoch }: { readonly at: Date; readonly epoch: number },
): Promise<void> {
  const ended = await trx
    .updateTable('sessions')
    .set({ disconnected_at: at, disconnect_reason: reason.replaceAll('\0', '').slice(0, 1000) })
    .where('id', '=', session.id)
    .where('epoch', '=', epoch)
    .where('disconnected_at', 'is', null)
    .executeTakeFirst()
  // Another master has taken the worker over, or this has been stored before.
  if (ended.numUpdatedRows === 0n) return
  await storeLoss(trx, session.worker, { now: at, reason })
  await trx
    .updateTable('workers')
    .set({ disconnected_at: at, last_seen_at: new Date(session.lastSeen) })
    .where('id', '=', session.worker.rowId)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('sessions')
            .select('id')
            .where('worker_id', '=', session.worker.rowId)
            .where('disconnected_at', 'is', null),
        ),
      ),
    )
    .execute()
}

/** Ends the sessions of masters that have stopped or lost their lease, so that their workers count as away from now on. */
export async function closeLost(trx: Transaction<Database>): Promise<void> {
  const closed = await trx
    .updateTable('sessions')
    .from('masters')
    .set({ disconnected_at: sql<Date>`now()`, disconnect_reason: 'the master was restarted' })
    .whereRef('masters.id', '=', 'sessions.owner')
    .where('sessions.disconnected_at', 'is', null)
    .where((eb) =>
      eb.or([eb('masters.stopped_at', 'is not', null), eb('masters.lease_until', '<', sql<Date>`now()`)]),
    )
    .returning('sessions.worker_id')
    .execute()
  if (closed.length === 0) return
  await trx
    .updateTable('workers')
    .set({ disconnected_at: sql<Date>`now()` })
    .where(
      'id',
      'in',
      closed.map((row) => row.worker_id),
    )
    .execute()
}

// PostgreSQL's jsonb refuses \u0000, and one agent's NUL must not roll back another's commit.
function withoutNul<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value, (_, v: unknown) => (typeof v === 'string' ? v.replaceAll('\0', '') : v)),
  ) as T
}
