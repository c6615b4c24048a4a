import type { Instance } from './backend.ts'
import type { InstanceRow } from './instance-row.ts'

/** What may happen to an instance. */
export type InstanceEvent =
  | { readonly type: 'started'; readonly ref: string; readonly detail?: string | undefined }
  | { readonly type: 'startFailed'; readonly failure: StartFailure; readonly retryAt: number }
  | { readonly type: 'stopFailed'; readonly message: string }
  /** Its pristine snapshot is taken. */
  | { readonly type: 'sealed' }
  | { readonly type: 'sealFailed'; readonly failure: StartFailure }
  /** It is back in its pristine state, and has been told the token of this generation. */
  | { readonly type: 'reset'; readonly generation: number }
  | { readonly type: 'resetFailed'; readonly generation: number; readonly failure: StartFailure }
  /** A build wants it. */
  | { readonly type: 'wake' }
  | { readonly type: 'parkFailed'; readonly failure: StartFailure }
  /** An agent came with what was good for an earlier generation. */
  | { readonly type: 'stale' }
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
  | { readonly do: 'seal' }
  /** Ends the connection of the agent that is there, and has the machine made pristine. */
  | { readonly do: 'reset' }
  /** Has the machine shut down, and kept. */
  | { readonly do: 'park' }
  /** Asks the agent whether it agrees to end. */
  | { readonly do: 'retire' }
  /** Its builds cannot go on: they are retried. */
  | { readonly do: 'lose'; readonly reason: string }
  /** In the same commit: for the requests it was started for, and the back-off of its template. */
  | { readonly do: 'blame'; readonly failure: StartFailure }

/**
 * 'snapshot': before its agent logs in, the running machine is saved, and is taken back to that after every build. 'boot': after every
 * build its disk is made new and it boots again.
 */
export type ResetWay = 'snapshot' | 'boot'

/** What holds for the instances of one worker. All durations are milliseconds. */
export interface InstanceRules {
  readonly startTimeout: number
  /** How it is made pristine after a build. */
  readonly reset: ResetWay | null
  /** An idle one is parked, not ended. */
  readonly park: boolean
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
  /** Whether the agent of its present generation is connected. */
  readonly connected: boolean
  /** While it is reset: the backend has said that it is done. */
  readonly isReset: boolean
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
