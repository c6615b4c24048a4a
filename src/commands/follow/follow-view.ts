import type { Result } from '../../model/results.ts'
import type { ApiBuild, ApiLog, ApiRequest, ApiStep } from '../../web/api.ts'

/** Shows what is followed. Calls come one after the other; each is awaited, so that a slow terminal slows the reading down. */
export interface FollowView {
  /** The request waits. Called again and again, also when nothing has changed. */
  waiting(request: ApiRequest): Promise<void>
  buildStarted(build: ApiBuild): Promise<void>
  stepStarted(build: ApiBuild, step: ApiStep): Promise<void>
  /** The next bytes of a log: every byte once, in order. */
  log(place: LogPlace, bytes: Uint8Array): Promise<void>
  logEnded(place: LogPlace): Promise<void>
  stepFinished(build: ApiBuild, step: ApiStep): Promise<void>
  buildFinished(build: ApiBuild): Promise<void>
  /** The master does not answer; shown once per outage. */
  lost(error: unknown): Promise<void>
  back(): Promise<void>
  /** The request has its result. */
  ended(outcome: Outcome): Promise<void>
  /** The user stopped following. */
  interrupted(request?: number): Promise<void>
}

export interface Outcome {
  readonly request: number
  /** The last build; undefined when the request ended without one. */
  readonly build: ApiBuild | undefined
  readonly result: Result | null
  /** Why it ended without a build, where that is known. */
  readonly reason: string | null
}

export interface LogPlace {
  readonly build: ApiBuild
  readonly step: ApiStep
  readonly log: ApiLog
}
