import { sql, type RawBuilder, type Transaction } from 'kysely'
import type { NoticeEvent } from '../model/notice-event.ts'
import type { Database } from './schema.ts'

type RequestEvent = Extract<NoticeEvent, { request: number }>
type BuildsetEvent = Extract<NoticeEvent, { buildset: number }>
type WorkerEvent = Extract<NoticeEvent, { worker: string }>

/** Notes in the transaction that caused them, for each reporter that wants to know, what has happened to a request. Idempotent. */
export async function noteRequest(trx: Transaction<Database>, ...events: RequestEvent[]): Promise<void> {
  for (const event of events) {
    const key = 'build' in event ? `${event.type}:${event.build}` : `${event.type}:${event.request}`
    const builder = sql`(select b.name from requests r join builders b on b.id = r.builder_id
      where r.id = ${event.request})`
    await note(trx, event, key, sql`r.builders is null or ${builder} = any(r.builders)`)
  }
}

/** The same of a buildset: for reporters of at least one of its builders. */
export async function noteBuildset(trx: Transaction<Database>, event: BuildsetEvent): Promise<void> {
  const builders = sql`(select array_agg(b.name) from requests r join builders b on b.id = r.builder_id
    where r.buildset_id = ${event.buildset})`
  await note(
    trx,
    event,
    `${event.type}:${event.buildset}`,
    sql`r.builders is null or r.builders && ${builders}`,
  )
}

/** The same of a worker; `at` tells one such event from the next. */
export async function noteWorker(trx: Transaction<Database>, event: WorkerEvent, at: Date): Promise<void> {
  await note(trx, event, `${event.type}:${event.worker}:${at.toISOString()}`, sql`true`)
}

async function note(
  trx: Transaction<Database>,
  event: NoticeEvent,
  key: string,
  isWanted: RawBuilder<unknown>,
): Promise<void> {
  await sql`
    insert into notices (key, reporter, event, expires_at)
    select ${key} || ' for ' || r.name, r.name, ${JSON.stringify(event)}::jsonb, now() + ${usefulFor}::interval
    from reporters r
    where r.configured and ${event.type} = any(r.events) and (${isWanted})
    on conflict (key) do nothing`.execute(trx)
}

/** After this time nobody is told any more. */
const usefulFor = '1 day'
