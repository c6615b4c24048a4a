import type { CommandResult } from '../protocol/operation.ts'
import type { Run as RunMessage } from '../protocol/messages.ts'
import type { OutputFrame } from '../protocol/output-frame.ts'
import type { Worker } from '../fleet/worker.ts'
import { decodeBody, partOf } from './decode-body.ts'
import type { OpenLog } from './log-lane.ts'
import type { Transfer } from './transfer.ts'

/** The infrastructure failed, not the user's command: the build is retried. */
export class InfrastructureFailure extends Error {
  override readonly name = 'InfrastructureFailure'
}

/** One command in flight: stored, sent to an agent, not yet reported done. */
export class Command {
  readonly message: RunMessage
  readonly worker: Worker
  /** The agent run that it was given to: in another run it is lost. */
  readonly runId: string
  readonly log: OpenLog
  /** The master's end of the file that it sends or receives. */
  readonly transfer: Transfer | undefined
  /** Bytes of the command's own output that have been handed to the lane, and of these the committed ones. */
  received = 0
  committed = 0
  /** Resolves when the output received so far is committed, or the command is lost. */
  stored: Promise<unknown> = Promise.resolve()
  cancelReason: string | undefined
  /** Its agent has told how it ended; that is being stored. */
  reported = false
  readonly finished: Promise<CommandResult>
  readonly #capture: number
  #captured: Promise<Buffer> = Promise.resolve(Buffer.alloc(0))
  #resolve!: (result: CommandResult) => void
  #reject!: (error: unknown) => void

  constructor(o: {
    message: RunMessage
    worker: Worker
    runId: string
    log: OpenLog
    capture: number
    transfer?: Transfer | undefined
  }) {
    this.message = o.message
    this.worker = o.worker
    this.runId = o.runId
    this.log = o.log
    this.transfer = o.transfer
    this.#capture = o.capture
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

  /** Keeps the end of stdout for the step that asked for it. */
  keep(frame: OutputFrame): void {
    if (this.#capture === 0) return
    this.#captured = this.#captured.then(async (before) => {
      const part = partOf('stdout', frame.runs, await decodeBody(frame.codec, frame.body))
      const all = Buffer.concat([before, part])
      return all.subarray(Math.max(0, all.length - this.#capture))
    })
    this.#captured.catch(() => {})
  }

  async stdout(): Promise<string> {
    return (await this.#captured).toString()
  }
}
