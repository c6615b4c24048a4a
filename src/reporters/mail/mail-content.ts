import type { Address } from './addresses.ts'

/** A mail as the outbox keeps it. Sender and relay are taken from the config when it is sent, so that a mended config mends it. */
export interface MailContent {
  readonly to: readonly Address[]
  /** To whom it still has to be brought, when some of `to` have it already. */
  readonly rest?: readonly string[]
  readonly text: string
  readonly html?: string
  /** What it is about: see threads.ts. */
  readonly thread: string
  readonly listId: string
  readonly attachments: readonly MailAttachment[]
}

/** Read when the mail is sent. */
export interface MailAttachment {
  readonly kind: 'artifact' | 'log'
  readonly id: number
  readonly filename: string
  readonly type: string
  /** Bytes. */
  readonly size: number
}
