import type { CommandResult } from '../protocol/operation.ts'
import type { Run as RunMessage } from '../protocol/messages.ts'
import type { Worker } from '../fleet/worker.ts'
import type { CommandLog } from './command-log.ts'
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
  readonly id: string
  readonly #message: () => RunMessage
  readonly worker: Worker
  /** The agent run that it was given to. Another run that does not know it has lost it. */
  runId: string
  /** 0 is what it prints, the others are of files that it writes. */
  readonly logs: readonly CommandLog[]
  /** The master's end of the file that it sends or receives. */
  transfer: Transfer | undefined
  cancelReason: string | undefined
  /** Its agent has told how it ended; that is being stored. */
  reported = false
  readonly finished: Promise<CommandResult>
  #resolve!: (result: CommandResult) => void
  #reject!: (error: unknown) => void

  constructor(o: {
    id: string
    message: () => RunMessage
    worker: Worker
    runId: string
    logs: readonly CommandLog[]
  }) {
    this.id = o.id
    this.#message = o.message
    this.worker = o.worker
    this.runId = o.runId
    this.logs = o.logs
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Whoever waits handles it; a command whose build has given up has nobody waiting.
    this.finished.catch(() => {})
  }

  /** Made anew each time it is sent, because it holds the values of secrets. Throws what stands in the way of them. */
  get message(): RunMessage {
    return this.#message()
  }

  /** Resolves when the output received so far is committed, or the command is lost. */
  get stored(): Promise<unknown> {
    return Promise.all(this.logs.map((log) => log.stored))
  }

  /** Bytes of its output that wait for their commit. */
  get underWay(): number {
    return this.logs.reduce((sum, log) => sum + log.underWay, 0)
  }

  succeed(result: CommandResult): void {
    this.#resolve(result)
  }

  fail(error: Error): void {
    this.#reject(error)
  }
}
