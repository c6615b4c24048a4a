import type { Instance } from './backend.ts'
import type { InstanceRow } from './instance-row.ts'

/** What may happen to an instance. */
export type InstanceEvent =
  | { readonly type: 'started'; readonly ref: string; readonly detail?: string | undefined }
  | { readonly type: 'startFailed'; readonly failure: StartFailure; readonly retryAt: number }
  | { readonly type: 'stopFailed'; readonly message: string }
  /** Its agent has logged in, the first time or again. */
  | { readonly type: 'attached' }
  | { readonly type: 'detached' }
  /** Another master has begun to look after it: the agent could not come meanwhile. */
  | { readonly type: 'adopted' }
  /** The config has changed what holds for it. */
  | { readonly type: 'reconfigured' }
  | { readonly type: 'buildBegan' }
  | { readonly type: 'buildEnded' }
  /** What a list that was asked for at `asOf` shows of it. */
  | { readonly type: 'listed'; readonly bearers: readonly Instance[]; readonly asOf: number }
  | { readonly type: 'unwanted'; readonly reason: string }
  /** It ends now, whatever runs on it. */
  | { readonly type: 'forced'; readonly reason: string }
  /** Its agent has agreed to end. */
  | { readonly type: 'retired' }
  /** The deadline or the time of the next try has come. */
  | { readonly type: 'time' }

/** Why a start came to nothing. */
export interface StartFailure {
  /** CAPACITY and REJECTED as in BackendError; PASSING is everything else. */
  readonly code: 'CAPACITY' | 'REJECTED' | 'PASSING'
  readonly message: string
}

/** What is done about it once the row is committed. */
export type InstanceEffect =
  | { readonly do: 'start' }
  | { readonly do: 'stop' }
  /** Asks the agent whether it agrees to end. */
  | { readonly do: 'retire' }
  /** Its builds cannot go on: they are retried. */
  | { readonly do: 'lose'; readonly reason: string }
  /** In the same commit: for the requests it was started for, and the back-off of its template. */
  | { readonly do: 'blame'; readonly failure: StartFailure }

/** What holds for the instances of one worker. All durations are milliseconds. */
export interface InstanceRules {
  readonly startTimeout: number
  readonly maxStartAttempts: number
  /** Negative: never stopped for idleness. */
  readonly buildWaitTimeout: number
  readonly maxAge: number
  readonly maxBuilds: number
  readonly maxDisconnected: number
  readonly listLag: number
}

/** What is known of the moment beside the row. */
export interface Moment {
  readonly now: number
  /** Whether its agent is connected. */
  readonly connected: boolean
  /** Builds that hold a place on it. */
  readonly places: number
  /** It is one of those that are kept running without work. */
  readonly kept: boolean
}

export interface Transition {
  readonly row: InstanceRow
  readonly effects: readonly InstanceEffect[]
}

/** Everything a decision is made from. */
export interface Situation {
  readonly row: InstanceRow
  readonly rules: InstanceRules
  readonly moment: Moment
}
