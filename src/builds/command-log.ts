import type { OpenLog } from './log-lane.ts'

/** One log of a command in flight: how far it has come. */
export class CommandLog {
  readonly log: OpenLog
  /** Where the command's part of it begins. */
  readonly base: number
  /** Bytes of the command's own that have been handed to the lane, and of these the committed ones. */
  received: number
  committed: number
  /** Resolves when what was received so far is committed, or the command is lost. */
  stored: Promise<unknown> = Promise.resolve()

  constructor(log: OpenLog, base: number) {
    this.log = log
    this.base = base
    // What an earlier master has stored of it is in the log already.
    this.received = log.bytes - base
    this.committed = this.received
  }

  /** Bytes that wait for their commit. */
  get underWay(): number {
    return this.received - this.committed
  }
}
