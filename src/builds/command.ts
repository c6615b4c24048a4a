import type { CommandResult } from '../protocol/operation.ts'
import type { Run as RunMessage } from '../protocol/messages.ts'
import type { Worker } from '../fleet/worker.ts'
import type { OpenLog } from './log-lane.ts'
import type { Transfer } from './transfer.ts'

/** The infrastructure failed, not the user's command: the build is retried. */
export class InfrastructureFailure extends Error {
  override readonly name = 'InfrastructureFailure'
  /** Whether it counts against `maxInfraRetries`. */
  readonly counts: boolean

  constructor(message: string, { counts = true }: { counts?: boolean } = {}) {
    super(message)
    this.counts = counts
  }
}

/** One command in flight: stored, sent to an agent, not yet reported done. */
export class Command {
  readonly message: RunMessage
  readonly worker: Worker
  /** The agent run that it was given to. Another run that does not know it has lost it. */
  runId: string
  readonly log: OpenLog
  /** The master's end of the file that it sends or receives. */
  transfer: Transfer | undefined
  /** Where its output begins in the log. */
  readonly base: number
  /** Bytes of the command's own output that have been handed to the lane, and of these the committed ones. */
  received: number
  committed: number
  /** Resolves when the output received so far is committed, or the command is lost. */
  stored: Promise<unknown> = Promise.resolve()
  cancelReason: string | undefined
  /** Its agent has told how it ended; that is being stored. */
  reported = false
  readonly finished: Promise<CommandResult>
  #resolve!: (result: CommandResult) => void
  #reject!: (error: unknown) => void

  constructor(o: { message: RunMessage; worker: Worker; runId: string; log: OpenLog; base: number }) {
    this.message = o.message
    this.worker = o.worker
    this.runId = o.runId
    this.log = o.log
    this.base = o.base
    // What an earlier master has stored of it is in the log already.
    this.received = o.log.bytes - o.base
    this.committed = this.received
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Whoever waits handles it; a command whose build has given up has nobody waiting.
    this.finished.catch(() => {})
  }

  get id(): string {
    return this.message.command
  }

  succeed(result: CommandResult): void {
    this.#resolve(result)
  }

  fail(error: Error): void {
    this.#reject(error)
  }
}
