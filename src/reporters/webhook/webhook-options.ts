import type { NoticeEvent, NoticeEventType } from '../../model/notice-event.ts'
import type { Secret } from '../../model/secret.ts'
import type { ReporterOptions } from '../reporter-options.ts'
import type { WebhookPayload } from './webhook-payload.ts'

export interface WebhookOptions extends ReporterOptions {
  /** Where to: http or https. A secret where whoever knows the address may post. */
  readonly url: string | Secret
  /** What each message is signed with, so that the receiver knows that it is ours. Default: it is not signed. */
  readonly secret?: Secret
  /** Default: all. */
  readonly events?: readonly NoticeEventType[]
  readonly headers?: Readonly<Record<string, string | Secret>>
  /** What is sent as JSON instead of the payload; undefined: nothing. */
  readonly format?: (payload: WebhookPayload, event: NoticeEvent) => unknown
}
