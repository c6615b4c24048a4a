import Type, { type Static } from 'typebox'
import { Nullable, Time } from './schema-parts.ts'

/** What the REST API says of the outbox, and of what needs somebody's attention. */

export const NoticeStateSchema = Type.Enum(['new', 'waiting', 'sent', 'failed', 'dropped'] as const)

/** Something that a reporter tells somebody: a mail, a commit status, a webhook. */
export const NoticeSchema = Type.Object({
  id: Type.Integer(),
  reporter: Type.String(),
  /** What has happened: 'worker.missing', 'request.completed', ... */
  event: Type.String(),
  /** `new`: its messages are still to be made; `waiting`: to be sent. */
  state: NoticeStateSchema,
  /** Whom it reaches; null while it is new. */
  target: Nullable(Type.String()),
  subject: Nullable(Type.String()),
  attempts: Type.Integer(),
  /** Of the last attempt; of one that was sent, what is to be said of it. */
  error: Nullable(Type.String()),
  advice: Nullable(Type.String()),
  createdAt: Time,
  /** When it is tried next; null once it has ended. */
  nextAttemptAt: Nullable(Time),
  endedAt: Nullable(Time),
})
export type ApiNotice = Static<typeof NoticeSchema>

/** Something that does not work and that somebody should look at. */
export const TroubleSchema = Type.Object({
  kind: Type.Enum(['worker', 'backend', 'reporter', 'cluster'] as const),
  /** The worker, the backend, or the reporter and its target: 'mail to bob@acme.example'. */
  name: Type.String(),
  message: Type.String(),
  advice: Nullable(Type.String()),
  since: Nullable(Time),
})
export type ApiTrouble = Static<typeof TroubleSchema>
