import type { NoticeEventType } from '../../model/notice-event.ts'
import type { Secret } from '../../model/secret.ts'
import type { ReporterOptions } from '../reporter-options.ts'
import type { Mode } from '../mail/modes.ts'

export interface SlackOptions extends ReporterOptions {
  /** The address of the incoming webhook. It is a secret: whoever knows it may post. */
  readonly url: Secret
  /** Default ['request.completed', 'worker.missing', 'worker.recovered']. */
  readonly events?: readonly NoticeEventType[]
  /** Which results of request.completed and build.finished are told: one or several. Default ['failing', 'exception', 'change']. */
  readonly mode?: Mode | readonly Mode[]
  /** Another channel than the webhook's own, where the service allows it. */
  readonly channel?: string
}
