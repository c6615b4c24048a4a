import type { Result } from '../../model/results.ts'
import type { WorkerMissing, NoticeEvent } from '../../model/notice-event.ts'
import type { BuildFacts, BuildsetFacts, RequestFacts, StepFacts, WorkerFacts } from '../facts.ts'
import type { Site } from '../reporter.ts'

/** What `subject` and `body` get of a request that has ended, with its newest build. */
export interface BuildReport {
  readonly kind: 'build'
  readonly site: Site
  readonly result: Result
  /** The builder's last result on this branch before; null: there was none. */
  readonly previousResult: Result | null
  readonly request: RequestFacts
  /** null when it ended without one. */
  readonly build: BuildFacts | null
  /** The first step that failed, and the end of its log. */
  readonly failedStep: FailedStep | null
  /** Where the build is shown; its builder when there is none. */
  readonly url: string
}

export interface FailedStep extends StepFacts {
  /** Its last lines. */
  readonly log: string
}

/** What `subject` and `body` get with `perBuildset`. */
export interface BuildsetReport {
  readonly kind: 'buildset'
  readonly site: Site
  readonly result: Result
  readonly buildset: BuildsetFacts
  /** Of the builders that the notifier is for. */
  readonly builds: readonly BuildReport[]
}

/** What `workerSubject` and `workerBody` get. */
export interface WorkerReport {
  readonly kind: 'worker'
  readonly site: Site
  readonly event: WorkerEvent
  readonly worker: WorkerFacts
  /** What it was running when it was lost. */
  readonly builds: readonly BuildFacts[]
  readonly url: string
}

export type WorkerEvent =
  WorkerMissing | Extract<NoticeEvent, { type: 'worker.flapping' | 'worker.recovered' }>

/** The mail as it would be without the template. */
export interface StandardMail {
  readonly subject: string
  readonly text: string
  readonly html: string
}
