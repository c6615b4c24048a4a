/** What goes wrong in one call. Times are milliseconds. */
export interface OpenStackFault {
  /** It takes its time. */
  readonly delay?: number
  /** It fails with this status, and has done nothing. */
  readonly error?: { readonly status: number; readonly message?: string; readonly retryAfter?: number }
  /** It fails, or is cut off, although it has done what it was asked for. */
  readonly done?: boolean
  /** The connection breaks. */
  readonly cut?: boolean
  /** It never answers, and does nothing; with `done` it has done it. */
  readonly hang?: boolean
  /** Of createServer: lists show the server so much later. */
  readonly lateBy?: number
  /** Of createServer: two servers bear the stamp. */
  readonly twice?: boolean
  /** Of createServer: it comes to ERROR, with this fault. Of createImage: the image is 'killed' or 'removed' in the end. */
  readonly crash?: string
  /** Of createServer: BUILD for ever. Of stopServer: it goes on running. Of createImage: the image is queued for ever. Of deleteServer: deleting for ever, until it is deleted again. */
  readonly stuck?: boolean
}

/** One call, as the fake has recorded it. */
export interface OpenStackCall {
  /** 'login', 'listServers', 'createServer', 'getServer', 'deleteServer', 'listFlavors', ... */
  readonly action: string
  readonly at: number
  outcome: 'open' | 'ok' | 'failed'
}

/** An answer that is no success. */
export class OpenStackRefusal extends Error {
  readonly status: number
  readonly retryAfter: number | undefined

  constructor(status: number, message = `the fake says ${status}`, retryAfter?: number) {
    super(message)
    this.status = status
    this.retryAfter = retryAfter
  }
}

/** A call that has worked, and whose answer was lost. */
export const lostAnswer: OpenStackFault = { done: true, cut: true }
