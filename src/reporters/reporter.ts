import type { NoticeEvent, NoticeEventType } from '../model/notice-event.ts'
import type { Facts } from './facts.ts'

/** An entry of the config's `reporters` at work. Two calls may overlap; nothing is remembered in memory that matters. */
export interface Reporter {
  readonly name: string
  /** 'mail', 'webhook', ... */
  readonly kind: string
  readonly interest: Interest
  /** What is to be sent because of the event; nothing when it is not wanted after all. Only reads. */
  compose(event: NoticeEvent, tools: ComposeTools): Promise<readonly Draft[]>
  /** Sends one message; the same `id` on every try. Rejects with a DeliveryError, or with whatever, which counts as passing. */
  send(message: Message, tools: SendTools): Promise<Receipt | void>
  close?(): Promise<void>
}

/** Events that become notices of a reporter. */
export interface Interest {
  readonly events: readonly NoticeEventType[]
  /** Only events of builds of these; events of workers come anyway. Default: all. */
  readonly builders?: readonly string[]
}

/** A message as it is stored: plain JSON, without any secret, at most 1 MiB. */
export interface Draft {
  /** Whom it reaches, for people and for counting failures: 'bob@acme.example', 'acme/app'. */
  readonly target: string
  /** One line for people. */
  readonly subject: string
  readonly content: unknown
  /** Of messages with the same lane that wait only the newest is sent: they tell the state of one thing. */
  readonly lane?: string
}

export interface Message extends Draft {
  /** The same on every try, unique in the world: fit for a Message-ID or an Idempotency-Key. */
  readonly id: string
  readonly createdAt: Date
  /** 1, 2, ... */
  readonly attempt: number
}

/** What is worth telling of a message that was sent. */
export interface Receipt {
  /** 'refused for eve@acme.example: no such user' */
  readonly note?: string
  /** What could not be sent yet, to be tried again by itself under the same id. */
  readonly rest?: Draft
}

export interface Site {
  /** The config's title. */
  readonly title: string
  /** The page's address with a trailing slash: `${url}#/builds/17`. */
  readonly url: string
}

export interface ComposeTools {
  readonly facts: Facts
  readonly site: Site
  readonly signal: AbortSignal
}

export interface SendTools {
  readonly signal: AbortSignal
  /** Throws ROUSE_SECRET_MISSING. */
  readonly secret: (name: string) => string
  /** The bytes of an artifact or a log to attach, at most `limit` of them. */
  readonly facts: Facts
  readonly site: Site
}
