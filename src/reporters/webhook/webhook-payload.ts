import type { NoticeEvent, NoticeEventType } from '../../model/notice-event.ts'
import type { PropertyValue } from '../../model/properties.ts'
import type { Result } from '../../model/results.ts'
import type { SourceStamp } from '../../model/source-stamp.ts'
import type { ChangeFacts, RequestFacts, WorkerFacts } from '../facts.ts'

/**
 * What a webhook sends: version 1 of a schema that may get more fields, but loses none and changes none. Times are in ISO 8601. The facts
 * are those of the moment at which the event was told, which may be later than the event.
 */
export interface WebhookPayload {
  readonly version: 1
  readonly event: NoticeEventType
  /** One line for people. */
  readonly text: string
  /** The page with more. */
  readonly url: string
  readonly master: { readonly title: string; readonly url: string }
  /** Of request.* and build.*. */
  readonly request?: WebhookRequest
  /** Of build.*, and of request.* when there is one. */
  readonly build?: WebhookBuild
  /** Of buildset.*. */
  readonly buildset?: WebhookBuildset
  /** Of worker.*. */
  readonly worker?: WebhookWorker
  /** Parts were left out, because it would have been too long: properties, files and old changes first. */
  readonly truncated?: true
}

export interface WebhookRequest extends Pick<
  RequestFacts,
  | 'id'
  | 'builder'
  | 'buildset'
  | 'reason'
  | 'origin'
  | 'scheduler'
  | 'owners'
  | 'result'
  | 'previousResult'
  | 'cancelReason'
  | 'startFailure'
  | 'supersededBy'
  | 'build'
> {
  /** Without the credentials that its address may hold. */
  readonly source: SourceStamp
  /** At most 100. */
  readonly changes: readonly ChangeFacts[]
  readonly properties: Readonly<Record<string, PropertyValue>>
  readonly submittedAt: string
  readonly completedAt: string | null
}

export interface WebhookBuild {
  readonly id: number
  readonly builder: string
  readonly request: number
  readonly attempt: number
  readonly worker: string
  readonly result: Result | null
  readonly summary: string | null
  readonly cancelReason: string | null
  readonly startedAt: string
  readonly finishedAt: string | null
  readonly properties: Readonly<Record<string, PropertyValue>>
  /** At most 500. */
  readonly steps: readonly WebhookStep[]
  /** At most 100. */
  readonly artifacts: readonly {
    readonly id: number
    readonly name: string
    readonly size: number
    readonly type: string
    readonly url: string
  }[]
  readonly url: string
}

export interface WebhookStep {
  readonly number: number
  readonly name: string
  readonly result: Result | null
  readonly summary: string | null
  readonly startedAt: string | null
  readonly finishedAt: string | null
  readonly logs: readonly {
    readonly id: number
    readonly name: string
    readonly bytes: number
    readonly url: string
  }[]
}

export interface WebhookBuildset {
  readonly id: number
  readonly reason: string
  readonly result: Result
  readonly source: SourceStamp
  readonly submittedAt: string
  readonly completedAt: string | null
  /** At most 100. */
  readonly requests: readonly (Pick<RequestFacts, 'id' | 'builder' | 'result' | 'build'> & {
    readonly url: string
  })[]
}

/** What the event says of the worker, and what is known of it while it is in the config. */
export interface WebhookWorker extends Partial<
  Pick<WorkerFacts, 'kind' | 'admin' | 'host' | 'hostname' | 'os' | 'connected'>
> {
  readonly name: string
  /** Of worker.missing: `since`, `reason`, `lastAddress`, ...; of the others what they say. */
  readonly details: Omit<Extract<NoticeEvent, { worker: string }>, 'type' | 'worker'>
  /** Requests that wait for it. */
  readonly waiting?: readonly {
    readonly id: number
    readonly builder: string
    readonly submittedAt: string
  }[]
}
