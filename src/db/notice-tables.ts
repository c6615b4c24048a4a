import type { ColumnType, Generated } from 'kysely'
import type { NoticeEvent, NoticeEventType } from '../model/notice-event.ts'
import type { Json, OptionalJson, OptionalTime, Time } from './column-types.ts'

export interface ReportersTable {
  name: string
  kind: string
  configured: Generated<boolean>
  events: NoticeEventType[]
  /** null: all. */
  builders: string[] | null
}

/** `new`: an event of which messages are still to be made; `waiting`: a message to be sent. */
export type NoticeState = 'new' | 'waiting' | 'sent' | 'failed' | 'dropped'

export interface NoticeError {
  readonly message: string
  readonly advice?: string
}

export interface NoticesTable {
  id: Generated<number>
  /** What it is for: the same event is noted once for a reporter. */
  key: string
  reporter: string
  event: Json<NoticeEvent>
  state: Generated<NoticeState>
  target: string | null
  subject: string | null
  content: OptionalJson<unknown>
  lane: string | null
  attempts: Generated<number>
  /** Of the last attempt; of one that was sent: what is to be said of it. */
  error: OptionalJson<NoticeError>
  created_at: Time
  next_attempt_at: ColumnType<Date, Date | undefined, Date>
  /** While it is being sent. */
  claimed_until: OptionalTime
  /** The master that composes or sends it. */
  claimed_by: string | null
  expires_at: ColumnType<Date, Date, Date>
  ended_at: OptionalTime
}

export interface NoticeTargetsTable {
  reporter: string
  target: string
  /** In a row. */
  failures: number
  failing_since: ColumnType<Date, Date, Date>
  held_until: ColumnType<Date, Date, Date>
  error: Json<NoticeError>
}
