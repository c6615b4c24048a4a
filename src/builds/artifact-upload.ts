import { messageOf } from '../model/errors.ts'
import type { FileFrame } from '../protocol/file-frame.ts'
import type { FromMaster } from '../protocol/messages.ts'
import { FileReceiver, FileTooLarge, type ReceivedFile } from '../protocol/transfer/file-receiver.ts'
import type { IncomingArtifact } from './artifact-store.ts'
import { decodeBody } from './decode-body.ts'
import type { AgentEnd, Transfer } from './transfer.ts'

/** Takes a file from an agent and stores it before the agent is told that it is safe. */
export class ArtifactUpload implements Transfer {
  /** What went wrong with storing it. */
  failure: Error | undefined
  readonly #receiver: FileReceiver
  #agent!: AgentEnd
  #over = false

  constructor(o: {
    file: IncomingArtifact
    maxBytes: number
    /** Commits the row. Returns why there can be none. */
    store: (file: ReceivedFile) => Promise<string | undefined>
  }) {
    const { file, maxBytes, store } = o
    this.#receiver = new FileReceiver({
      window,
      maxBytes,
      decode: decodeBody,
      write: (bytes) => file.write(bytes),
      ask: (offset, bytes) => this.#agent.send(this.#want(offset, bytes)),
      finish: async (received) => {
        await file.keep()
        const refusal = await store(received)
        if (refusal === undefined) return
        await file.discard()
        throw new Refused(refusal)
      },
    })
    this.#receiver.finished.catch((error: unknown) => this.#fail(error))
  }

  get settled(): Promise<void> {
    return this.#receiver.settled
  }

  bind(agent: AgentEnd): void {
    this.#agent = agent
  }

  next(): readonly FromMaster[] {
    const { bytes, offset } = this.#receiver.next()
    return [this.#want(offset, bytes)]
  }

  frame(frame: FileFrame): void {
    this.#receiver.frame(frame)
  }

  /** Its command has ended: takes no more. */
  end(): void {
    this.#over = true
    this.#receiver.fail(new Error('the transfer has ended'))
  }

  want(): void {
    // It is not the agent who asks.
  }

  #want(offset: number, bytes: number): FromMaster {
    return { type: 'want', command: this.#agent.command, offset, bytes }
  }

  #fail(error: unknown): void {
    if (this.#over) return
    // What is wrong with the file its user is to mend: the agent gives the reason back as the result.
    if (!(error instanceof FileTooLarge || error instanceof Refused))
      this.failure = new Error(messageOf(error), { cause: error })
    this.#agent.cancel(messageOf(error))
  }
}

class Refused extends Error {}

/** Raw bytes on the way. */
const window = 4 * 1024 * 1024
