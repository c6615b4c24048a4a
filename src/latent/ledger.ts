import { sql, type Selectable, type Transaction } from 'kysely'
import { jsonb } from '../db/jsonb.ts'
import type { Database } from '../db/schema.ts'
import type { InstanceRow } from './instance-row.ts'

type Trx = Transaction<Database>

/** What of an instance never changes. */
export interface InstanceFacts {
  readonly id: string
  /** The worker's row and its name in the config. */
  readonly workerId: number
  readonly worker: string
  /** Its place in the worker's pool: 2 for 'dock/2'. */
  readonly number: number
  /** The key of its backend. */
  readonly backend: string
  readonly template: unknown
  readonly templateHash: string
  readonly pricePerHour: number | null
}

export interface StoredInstance {
  readonly facts: InstanceFacts
  readonly row: InstanceRow
  readonly credentialHash: Buffer | null
}

interface Master {
  readonly id: string
  readonly epoch: number
}

/** The intent, before anything is asked of a provider. May run again after a commit whose answer was lost. */
export async function insertInstance(
  trx: Trx,
  { facts, row }: Pick<StoredInstance, 'facts' | 'row'>,
  master: Master,
): Promise<void> {
  await trx
    .insertInto('instances')
    .values({
      id: facts.id,
      worker_id: facts.workerId,
      number: facts.number,
      backend: facts.backend,
      template: jsonb(facts.template),
      template_hash: facts.templateHash,
      price_per_hour: facts.pricePerHour,
      owner: master.id,
      epoch: master.epoch,
      created_at: new Date(row.createdAt),
      ...columnsOf(row),
    })
    .onConflict((oc) => oc.column('id').doNothing())
    .execute()
}

/** False when the instance is another master's by now, or gone: that is final. */
export async function saveInstance(trx: Trx, row: InstanceRow, { epoch }: Master): Promise<boolean> {
  const saved = await trx
    .updateTable('instances')
    .set({
      ...columnsOf(row),
      // What an earlier generation logged in with is worth nothing from now on.
      credential_hash: sql<Buffer | null>`case when generation = ${row.generation} then credential_hash end`,
      ...(row.state === 'attached' ? { attached_at: sql<Date>`coalesce(attached_at, now())` } : {}),
    })
    .where('id', '=', row.id)
    .where('epoch', '=', epoch)
    .where((eb) => (row.state === 'gone' ? eb.lit(true) : eb('state', '<>', 'gone')))
    .returning('id')
    .executeTakeFirst()
  return saved !== undefined
}

/** Makes this master the owner of the instances of masters that have stopped or lost their lease, and returns those it owns. */
export async function takeInstances(trx: Trx, { epoch, id: owner }: Master): Promise<StoredInstance[]> {
  await trx
    .updateTable('instances')
    .from('masters')
    .set({ owner, epoch })
    .whereRef('masters.id', '=', 'instances.owner')
    .where('instances.state', '<>', 'gone')
    .where('masters.id', '<>', owner)
    .where((eb) =>
      eb.or([eb('masters.stopped_at', 'is not', null), eb('masters.lease_until', '<', sql<Date>`now()`)]),
    )
    .execute()
  const rows = await selectLiving(trx)
    .where('instances.owner', '=', owner)
    .orderBy('instances.created_at')
    .execute()
  return rows.map(storedInstance)
}

/** One that is not gone, whoever looks after it. */
export async function findInstance(
  db: Pick<Trx, 'selectFrom'>,
  id: string,
): Promise<StoredInstance | undefined> {
  const row = await selectLiving(db).where('instances.id', '=', id).executeTakeFirst()
  return row && storedInstance(row)
}

/** Takes an instance from whoever looks after it. Undefined when it is gone, or a newer master has it. */
export async function claimInstance(
  trx: Trx,
  id: string,
  { epoch, id: owner }: Master,
): Promise<StoredInstance | undefined> {
  await trx
    .updateTable('instances')
    .set({ owner, epoch })
    .where('id', '=', id)
    .where('epoch', '<=', epoch)
    .execute()
  const row = await selectLiving(trx)
    .where('instances.id', '=', id)
    .where('instances.owner', '=', owner)
    .executeTakeFirst()
  return row && storedInstance(row)
}

function selectLiving(db: Pick<Trx, 'selectFrom'>) {
  return db
    .selectFrom('instances')
    .innerJoin('workers', 'workers.id', 'instances.worker_id')
    .selectAll('instances')
    .select('workers.name as worker')
    .where('instances.state', '<>', 'gone')
}

/** Which of these ids belong to instances that are not gone, whoever owns them. */
export async function livingOf(db: Pick<Trx, 'selectFrom'>, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const rows = await db
    .selectFrom('instances')
    .select('id')
    .where('id', 'in', ids)
    .where('state', '<>', 'gone')
    .execute()
  return new Set(rows.map(({ id }) => id))
}

/** All of a backend's that have rows that are not gone. */
export async function livingAt(db: Pick<Trx, 'selectFrom'>, backend: string): Promise<Set<string>> {
  const rows = await db
    .selectFrom('instances')
    .select('id')
    .where('backend', '=', backend)
    .where('state', '<>', 'gone')
    .execute()
  return new Set(rows.map(({ id }) => id))
}

function columnsOf(row: InstanceRow) {
  return {
    state: row.state,
    generation: row.generation,
    attempt: row.attempt,
    ref: storable(row.ref),
    detail: storable(row.detail),
    deadline: date(row.deadline),
    retry_at: date(row.retryAt),
    changed_at: new Date(row.changedAt),
    idle_since: date(row.idleSince),
    builds: row.builds,
    parkings: row.parkings,
    stop_reason: storable(row.stopReason),
    unseen_since: date(row.unseenSince),
  }
}

function storedInstance(row: Selectable<Database['instances']> & { worker: string }): StoredInstance {
  return {
    facts: {
      id: row.id,
      workerId: row.worker_id,
      worker: row.worker,
      number: row.number,
      backend: row.backend,
      template: row.template,
      templateHash: row.template_hash,
      pricePerHour: row.price_per_hour,
    },
    row: {
      id: row.id,
      state: row.state,
      generation: row.generation,
      attempt: row.attempt,
      ref: row.ref,
      detail: row.detail,
      deadline: row.deadline?.getTime() ?? null,
      retryAt: row.retry_at?.getTime() ?? null,
      createdAt: row.created_at.getTime(),
      changedAt: row.changed_at.getTime(),
      idleSince: row.idle_since?.getTime() ?? null,
      builds: row.builds,
      parkings: row.parkings,
      stopReason: row.stop_reason,
      unseenSince: row.unseen_since?.getTime() ?? null,
    },
    credentialHash: row.credential_hash,
  }
}

function date(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms)
}

// Providers write what they like; PostgreSQL refuses NUL.
function storable(text: string | null): string | null {
  return text?.replaceAll('\0', '\ufffd').slice(0, 2000) ?? null
}
