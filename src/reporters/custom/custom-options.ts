import type { Duration } from '../../model/durations.ts'
import type { NoticeEvent, NoticeEventType } from '../../model/notice-event.ts'
import type { Secret } from '../../model/secret.ts'
import type { Facts } from '../facts.ts'
import type { ReporterOptions } from '../reporter-options.ts'
import type { Site } from '../reporter.ts'

export interface CustomReporterOptions<T extends NoticeEventType> extends ReporterOptions {
  readonly name: string
  /** What it is told. */
  readonly events: readonly T[]
  /**
   * Tells it on. When it throws, it is called again later, with longer and longer pauses, for a day; an error with `retry: false` is
   * final. It may be called again after it has succeeded, when the master is killed just then: `id` is the same.
   */
  readonly report: (
    event: Extract<NoticeEvent, { type: T }>,
    tools: CustomReporterTools,
  ) => Promise<void> | void
  /** How long a call may take: at most a minute. Default 30 s. */
  readonly timeout?: Duration
}

export interface CustomReporterTools {
  readonly facts: Facts
  readonly site: Site
  /** Aborted when the time is over or the master stops: pass it on to `fetch`. */
  readonly signal: AbortSignal
  /** The value of a secret, which is hidden in the messages of errors. */
  readonly secret: (secret: Secret | string) => string
  /** The same whenever it is called for this event. */
  readonly id: string
  /** 1, 2, ... */
  readonly attempt: number
}
