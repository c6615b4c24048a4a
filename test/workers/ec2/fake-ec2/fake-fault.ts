/** What goes wrong in one call. Times are milliseconds. */
export interface Ec2Fault {
  /** It takes its time. */
  readonly delay?: number
  /** It fails with AWS's code, and has done nothing. */
  readonly error?: { readonly code: string; readonly message?: string; readonly status?: number }
  /** It fails, or is cut off, although it has done what it was asked for. */
  readonly done?: boolean
  /** The connection breaks. */
  readonly cut?: boolean
  /** It never answers, and does nothing; with `done` it has done it. */
  readonly hang?: boolean
  /** Of RunInstances: lists show the machine so much later. */
  readonly lateBy?: number
  /** Of RunInstances: two machines bear the stamp. */
  readonly twice?: boolean
  /** Of RunInstances: the machine ends by itself, for this reason. Of CreateImage: the image fails. */
  readonly crash?: string
}

/** One call, as the fake has recorded it. */
export interface Ec2Call {
  readonly action: string
  /** The access key that has signed it. */
  readonly key: string
  readonly at: number
  outcome: 'open' | 'ok' | 'failed'
  /** AWS's code of a refusal. */
  refusal?: string
}

/** An answer that is no success. */
export class Ec2Refusal extends Error {
  readonly code: string
  readonly status: number

  constructor(code: string, message = `the fake says ${code}`, status = 400) {
    super(message)
    this.code = code
    this.status = status
  }
}

/** A call that has worked, and whose answer was lost. */
export const lostAnswer: Ec2Fault = { done: true, cut: true }
