import type { Result } from './results.ts'

/** Something that reporters may tell. It is stored with what caused it, in one transaction; the facts are read when it is told. */
export type NoticeEvent =
  | { readonly type: 'request.submitted'; readonly request: number }
  | { readonly type: 'build.started'; readonly request: number; readonly build: number }
  /** Also an attempt that is tried again: its result is RETRY. */
  | {
      readonly type: 'build.finished'
      readonly request: number
      readonly build: number
      readonly result: Result
    }
  /** It has its result, with a build or without one. */
  | { readonly type: 'request.completed'; readonly request: number; readonly result: Result }
  /** All its requests have their results. */
  | { readonly type: 'buildset.completed'; readonly buildset: number; readonly result: Result }
  | WorkerMissing
  | {
      readonly type: 'worker.recovered'
      readonly worker: string
      readonly missingSince: string
      readonly recoveredAt: string
      /** Where it is now. */
      readonly address: string
    }
  | {
      readonly type: 'worker.flapping'
      readonly worker: string
      /** How often its connection was lost in the last hour. */
      readonly losses: number
      readonly at: string
      readonly lastReason: string
    }

/** A worker has been away, or its instances did not come, for longer than its `missingTimeout`. */
export interface WorkerMissing {
  readonly type: 'worker.missing'
  readonly worker: string
  /** Since when: times are in ISO 8601. */
  readonly since: string
  /** For people: 'it is not connected', 'its instance dock/1 did not bring its agent: no such image'. */
  readonly reason: string
  readonly lastAddress: string | null
  readonly lastSeenAt: string | null
  /** What it was running when it was lost. */
  readonly builds: readonly number[]
}

export type NoticeEventType = NoticeEvent['type']
