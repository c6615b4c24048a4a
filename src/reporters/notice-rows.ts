import { sql, type Kysely, type Selectable, type Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import type { NoticeError } from '../db/notice-tables.ts'
import { heldUntil, manyFailures, type NextAttempt } from './delivery-rules.ts'
import type { Draft } from './reporter.ts'

export type NoticeRow = Selectable<Database['notices']>

/** What is to be done with a notice whose turn it is. */
export type Turn =
  | { readonly do: 'compose'; readonly row: NoticeRow }
  /** The attempt is counted already. */
  | { readonly do: 'send'; readonly row: NoticeRow }

/** Notices of a reporter that are due, oldest first. */
export async function dueNotices(db: Kysely<Database>, reporter: string, now: Date): Promise<number[]> {
  const rows = await openNotices(db)
    .select('id')
    .where('reporter', '=', reporter)
    .where('next_attempt_at', '<=', now)
    .orderBy('id')
    .limit(100)
    .execute()
  return rows.map((row) => row.id)
}

/** When the next one of a reporter is due; undefined when none waits. */
export async function nextNotice(db: Kysely<Database>, reporter: string): Promise<Date | undefined> {
  const row = await openNotices(db)
    .select(({ fn }) => fn.min('next_attempt_at').as('at'))
    .where('reporter', '=', reporter)
    .executeTakeFirst()
  return row?.at ?? undefined
}

/**
 * Takes a notice whose turn it is: marked before it is tried, so that a master that dies tries it again a little later. Undefined:
 * nothing is to be done now.
 */
export async function takeTurn(
  trx: Transaction<Database>,
  id: number,
  { master, now }: { readonly master: string; readonly now: Date },
): Promise<Turn | undefined> {
  const row = await openNotices(trx).selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
  if (!row || row.next_attempt_at > now) return undefined
  if (row.expires_at <= now) return drop(trx, row, now, 'it was too old to be useful')
  const later = new Date(now.getTime() + lease)
  if (row.state === 'new') {
    const claimed = { next_attempt_at: later, claimed_until: later, claimed_by: master }
    await trx.updateTable('notices').set(claimed).where('id', '=', id).execute()
    return { do: 'compose', row }
  }
  const wait = row.lane === null ? undefined : await laneObstacle(trx, row, now)
  if (wait === 'superseded') return drop(trx, row, now, 'a newer one says what is true now')
  const held = wait ?? (await targetObstacle(trx, row, now))
  if (held) {
    await trx.updateTable('notices').set({ next_attempt_at: held }).where('id', '=', id).execute()
    return undefined
  }
  const attempts = row.attempts + 1
  await trx
    .updateTable('notices')
    .set({ attempts, next_attempt_at: later, claimed_until: later, claimed_by: master })
    .where('id', '=', id)
    .execute()
  return { do: 'send', row: { ...row, attempts } }
}

/** What a master was about when it died is free at once. */
export async function releaseClaims(db: Kysely<Database>): Promise<void> {
  const dead = db
    .selectFrom('masters')
    .select('id')
    .where((eb) => eb.or([eb('stopped_at', 'is not', null), eb('lease_until', '<', sql<Date>`now()`)]))
  await db
    .updateTable('notices')
    .set({ claimed_until: null, claimed_by: null, next_attempt_at: sql<Date>`now()` })
    .where('state', 'in', ['new', 'waiting'])
    .where('claimed_by', 'in', dead)
    .execute()
}

/** Puts the messages of an event in its place; none: nobody wanted to know. */
export async function storeDrafts(
  trx: Transaction<Database>,
  { created_at, event, expires_at, id, key, reporter }: NoticeRow,
  drafts: readonly Draft[],
): Promise<void> {
  const [first, ...more] = drafts
  if (!first) return void (await trx.deleteFrom('notices').where('id', '=', id).execute())
  const of = ({ content, lane, subject, target }: Draft) => ({
    state: 'waiting' as const,
    target,
    subject,
    content: JSON.stringify(content),
    lane: lane ?? null,
    next_attempt_at: created_at,
  })
  await trx
    .updateTable('notices')
    .set({ ...of(first), attempts: 0, error: null, claimed_until: null, claimed_by: null })
    .where('id', '=', id)
    .where('state', '=', 'new')
    .execute()
  if (more.length === 0) return
  const same = { reporter, event: JSON.stringify(event), created_at, expires_at }
  await trx
    .insertInto('notices')
    .values(more.map((draft, i) => ({ ...same, ...of(draft), key: `${key} #${i + 2}` })))
    .onConflict((oc) => oc.column('key').doNothing())
    .execute()
}

/** It has arrived; `rest` is tried again by itself. */
export async function storeSent(
  trx: Transaction<Database>,
  { created_at, event, expires_at, id, key, reporter, target }: NoticeRow,
  { next, note, rest }: { now: Date; next: Date; note?: string | undefined; rest?: Draft | undefined },
): Promise<void> {
  await trx
    .updateTable('notices')
    .set({
      state: 'sent',
      ended_at: sql<Date>`now()`,
      claimed_until: null,
      claimed_by: null,
      error: note === undefined ? null : JSON.stringify({ message: note }),
    })
    .where('id', '=', id)
    .execute()
  await trx
    .deleteFrom('notice_targets')
    .where('reporter', '=', reporter)
    .where('target', '=', target!)
    .execute()
  if (!rest) return
  await trx
    .insertInto('notices')
    .values({
      key: `${key} rest`,
      reporter,
      event: JSON.stringify(event),
      state: 'waiting',
      target: rest.target,
      subject: rest.subject,
      content: JSON.stringify(rest.content),
      created_at,
      expires_at,
      next_attempt_at: next,
    })
    .onConflict((oc) => oc.column('key').doNothing())
    .execute()
}

/** It could not be composed or sent. */
export async function storeFailure(
  trx: Transaction<Database>,
  { id, reporter, state, target }: NoticeRow,
  { attempts, error, next, now }: { attempts: number; error: NoticeError; next: NextAttempt; now: Date },
): Promise<void> {
  const failed = next.state === 'failed'
  await trx
    .updateTable('notices')
    .set({
      attempts,
      claimed_until: null,
      claimed_by: null,
      error: JSON.stringify(error),
      ...(failed
        ? { state: 'failed' as const, ended_at: now, target: target ?? reporter }
        : { next_attempt_at: new Date(next.at) }),
    })
    .where('id', '=', id)
    .execute()
  if (state === 'new') return
  const { failing_since: since, failures } = await trx
    .insertInto('notice_targets')
    .values({
      reporter,
      target: target!,
      failures: 1,
      failing_since: now,
      held_until: now,
      error: JSON.stringify(error),
    })
    .onConflict((oc) =>
      oc
        .columns(['reporter', 'target'])
        .doUpdateSet({ failures: sql<number>`notice_targets.failures + 1`, error: JSON.stringify(error) }),
    )
    .returning(['failures', 'failing_since'])
    .executeTakeFirstOrThrow()
  await trx
    .updateTable('notice_targets')
    // One that is refused for good says nothing of the others.
    .set({ held_until: failed ? now : new Date(heldUntil(failures, since.getTime(), now.getTime())) })
    .where('reporter', '=', reporter)
    .where('target', '=', target!)
    .execute()
}

async function drop(
  trx: Transaction<Database>,
  { id, reporter, target }: NoticeRow,
  now: Date,
  message: string,
): Promise<undefined> {
  await trx
    .updateTable('notices')
    .set({
      state: 'dropped',
      ended_at: now,
      claimed_until: null,
      claimed_by: null,
      target: target ?? reporter,
      error: JSON.stringify({ message }),
    })
    .where('id', '=', id)
    .execute()
}

/** One after the other, so that the last word is the newest one's. */
async function laneObstacle(
  trx: Transaction<Database>,
  { created_at, id, lane, reporter }: NoticeRow,
  now: Date,
): Promise<'superseded' | Date | undefined> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${reporter} ${lane}`}, 0))`.execute(trx)
  const others = await trx
    .selectFrom('notices')
    .select(['id', 'created_at', 'state', 'claimed_until'])
    .where('reporter', '=', reporter)
    .where('lane', '=', lane)
    .where('id', '<>', id)
    .where('state', 'in', ['waiting', 'sent'])
    .execute()
  const isNewer = (other: (typeof others)[number]) =>
    other.created_at > created_at || (other.created_at.getTime() === created_at.getTime() && other.id > id)
  if (others.some(isNewer)) return 'superseded'
  const busy = others.some(({ claimed_until: until, state }) => state === 'waiting' && until && until > now)
  return busy ? new Date(now.getTime() + laneLook) : undefined
}

/** A target that refuses everything is asked with one message at a time. */
async function targetObstacle(
  trx: Transaction<Database>,
  { reporter, target }: NoticeRow,
  now: Date,
): Promise<Date | undefined> {
  const held = await trx
    .selectFrom('notice_targets')
    .select(['failures', 'held_until'])
    .where('reporter', '=', reporter)
    .where('target', '=', target!)
    .forUpdate()
    .executeTakeFirst()
  if (!held || held.failures < manyFailures) return undefined
  if (held.held_until > now) return held.held_until
  await trx
    .updateTable('notice_targets')
    .set({ held_until: new Date(now.getTime() + lease) })
    .where('reporter', '=', reporter)
    .where('target', '=', target!)
    .execute()
  return undefined
}

function openNotices(db: Kysely<Database>) {
  return db.selectFrom('notices').where('state', 'in', ['new', 'waiting'])
}

/** Milliseconds after which what a dead master had taken is taken again; longer than any attempt. */
const lease = 90_000
const laneLook = 2000
