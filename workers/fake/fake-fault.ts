import type { BackendError } from '../../src/latent/backend-error.ts'
import type { InstanceId } from '../../src/latent/backend.ts'

export type FakeOperation =
  'start' | 'stop' | 'list' | 'seal' | 'reset' | 'park' | 'identify' | 'keep' | 'images' | 'removeImage'

/** One call, as the cloud has recorded it. */
export interface FakeCall {
  readonly operation: FakeOperation
  /** undefined: a list. */
  readonly id: InstanceId | undefined
  readonly at: number
  outcome: 'open' | 'ok' | 'failed'
}

/** What goes wrong in one call. Times are milliseconds. */
export interface FakeFault {
  /** It takes its time. */
  readonly delay?: number
  /** It fails; without a code nobody knows whose fault it is. */
  readonly error?: { readonly code?: BackendError['code']; readonly message: string }
  /** It fails although it has done what it was asked for. */
  readonly done?: boolean
  /** It never answers, and does nothing. */
  readonly hang?: boolean
  /** It never answers, and has done what it was asked for. */
  readonly hangAfter?: boolean
  /** Of a start: lists show the machine so much later. */
  readonly lateBy?: number
  /** Of a start: two machines bear the id. */
  readonly twice?: boolean
  /** Of a start: the machine ends by itself and says this. */
  readonly crash?: string
  /** Of a start: the machine is gone at once. */
  readonly vanish?: boolean
  /** Of a reset: the machine boots with the new token, and has on its disk what was there. */
  readonly dirty?: boolean
  /** Of a reset: nothing is done, and the answer is that all is well. */
  readonly pretended?: boolean
}

export const noFault: FakeFault = {}

/** A start that has worked, and whose answer was lost. */
export const ambiguous: FakeFault = { done: true, error: { message: 'the answer was lost' } }
