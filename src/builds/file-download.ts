import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { FromMaster } from '../protocol/messages.ts'
import { FileSender, type ByteSource } from '../protocol/transfer/file-sender.ts'
import { readFully } from '../util/read-fully.ts'
import type { AgentEnd, Transfer } from './transfer.ts'

/** What goes to an agent, and what it must be when it arrives. */
export interface Outgoing extends AsyncDisposable {
  readonly source: ByteSource
  readonly size: number
  readonly sha256: string
}

/** Gives an agent the bytes of a file as it asks for them. */
export class FileDownload implements Transfer {
  readonly settled = Promise.resolve()
  /** What went wrong with reading the file. */
  failure: Error | undefined
  readonly #source: ByteSource
  #sender!: FileSender
  #agent!: AgentEnd

  constructor(source: ByteSource) {
    this.#source = source
  }

  bind(agent: AgentEnd): void {
    this.#agent = agent
    this.#sender = new FileSender({
      command: agent.command,
      source: Promise.resolve(this.#source),
      // What the master sends is not compressed: its processor is everybody's.
      encode: async (body) => ({ codec: 'none', body }),
      send: (frame) => agent.sendFile(frame),
    })
    this.#sender.finished.catch((error: Error) => {
      this.failure = error
      agent.cancel(error.message)
    })
  }

  /** The agent asks by itself. */
  next(): readonly FromMaster[] {
    this.#sender.restart()
    return []
  }

  frame(): void {
    throw new Error(`command ${this.#agent.command} sends no file`)
  }

  want(offset: number, bytes: number): void {
    this.#sender.want(offset, bytes)
  }
}

/** Text that was made up here. */
export function outgoingText(text: string): Outgoing {
  const bytes = Buffer.from(text)
  return {
    source: { read: async (offset, length) => bytes.subarray(offset, offset + length) },
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    [Symbol.asyncDispose]: async () => {},
  }
}

/** A file of the master's machine. Read once before, to say what the agent must get. */
export async function outgoingFile(path: string): Promise<Outgoing> {
  const file = await open(path, 'r')
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw new Error('it is not a file')
    const hash = createHash('sha256')
    let size = 0
    for (let chunk = await readFully(file, 0, chunkBytes); chunk.length > 0;) {
      hash.update(chunk)
      size += chunk.length
      chunk = await readFully(file, size, chunkBytes)
    }
    return {
      source: {
        read: (offset, length) => readFully(file, offset, Math.min(length, Math.max(0, size - offset))),
      },
      size,
      sha256: hash.digest('hex'),
      [Symbol.asyncDispose]: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

const chunkBytes = 262_144
