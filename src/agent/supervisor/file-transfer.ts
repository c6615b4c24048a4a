import { constants, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import { messageOf } from '../../model/errors.ts'
import type { FileFrame } from '../../protocol/file-frame.ts'
import type { AgentLink } from '../../protocol/link.ts'
import type { Want } from '../../protocol/messages.ts'
import type { CommandResult, Operation, TransferOperation } from '../../protocol/operation.ts'
import type { FileReceiver } from '../../protocol/transfer/file-receiver.ts'
import { FileSender, type ByteSource } from '../../protocol/transfer/file-sender.ts'
import { readFully } from '../../util/read-fully.ts'
import { encodeBody } from './encode-body.ts'
import { openIncoming } from './incoming-file.ts'
import type { Host } from './operation-context.ts'
import { packFolder } from './pack-folder.ts'
import { endedBy, stopOf } from './stop.ts'
import { operationPath } from './workspace-path.ts'

export interface TransferContext {
  readonly workspace: string
  readonly host: Host
  /** Aborted with a Stop. */
  readonly signal: AbortSignal
}

export function isTransfer(operation: Operation): operation is TransferOperation {
  return ['uploadFile', 'uploadDirectory', 'downloadFile'].includes(operation.op)
}

/** The agent's end of a file on its way. Connections come and go; whoever receives says on each one where to go on. */
export class FileTransfer {
  readonly #command: string
  #opened!: (source: ByteSource) => void
  readonly #sender: FileSender
  #receiver: FileReceiver | undefined
  #link: AgentLink | undefined

  constructor(command: string) {
    this.#command = command
    this.#sender = new FileSender({
      command,
      source: new Promise((resolve) => (this.#opened = resolve)),
      encode: async (raw) => encodeBody(raw),
      send: (frame) => this.#link?.sendFile(frame),
    })
  }

  /** From now on it goes over this connection. */
  attach(link: AgentLink): void {
    this.#link = link
    this.#sender.restart()
    void this.#askAgain()
  }

  want({ bytes, offset }: Want): void {
    this.#sender.want(offset, bytes)
  }

  frame(frame: FileFrame): void {
    try {
      this.#receiver?.frame(frame)
    } catch (error) {
      this.#link?.close(messageOf(error))
    }
  }

  /** Does the operation. Never throws: what goes wrong is in the result. */
  async run(operation: TransferOperation, context: TransferContext): Promise<CommandResult> {
    const { signal } = context
    const abort = () => {
      this.#sender.stop(new Error('cancelled'))
      this.#receiver?.fail(new Error('cancelled'))
    }
    signal.addEventListener('abort', abort)
    try {
      signal.throwIfAborted()
      await this.#perform(operation, context)
      return { exitCode: 0, signal: null, reason: null }
    } catch (error) {
      if (signal.aborted) return endedBy(stopOf(signal))
      return { exitCode: 1, signal: null, reason: null, message: messageOf(error).slice(0, 4096) }
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async #perform(operation: TransferOperation, context: TransferContext): Promise<void> {
    const path = operationPath(context.workspace, operation.path)
    switch (operation.op) {
      case 'uploadFile':
        return this.#upload(path, operation.maxBytes)
      case 'uploadDirectory': {
        await using archive = await packFolder(path, { ...context, ...operation, id: this.#command })
        return await this.#upload(archive.path, operation.maxBytes)
      }
      case 'downloadFile':
        return this.#download(path, operation, context.signal)
    }
  }

  async #upload(path: string, maxBytes: number): Promise<void> {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      checkFile(await file.stat(), maxBytes)
      this.#opened({ read: (offset, length) => readFully(file, offset, length) })
      await this.#sender.finished
    } finally {
      await file.close()
    }
  }

  async #download(
    path: string,
    operation: TransferOperation & { op: 'downloadFile' },
    signal: AbortSignal,
  ): Promise<void> {
    const ask = (offset: number, bytes: number) => {
      if (bytes > 0) this.#link?.send({ type: 'want', command: this.#command, offset, bytes })
    }
    await using incoming = await openIncoming(path, { ...operation, id: this.#command, ask })
    signal.throwIfAborted()
    this.#receiver = incoming.receiver
    await this.#askAgain()
    await incoming.receiver.finished
  }

  async #askAgain(): Promise<void> {
    const [link, receiver] = [this.#link, this.#receiver]
    if (!link || !receiver) return
    await receiver.settled
    if (link !== this.#link) return
    const next = receiver.next()
    if (next.bytes > 0) link.send({ type: 'want', command: this.#command, ...next })
  }
}

function checkFile(stats: Stats, maxBytes: number): void {
  if (!stats.isFile()) throw new Error(stats.isDirectory() ? 'it is a folder' : 'it is not a file')
  if (stats.size > maxBytes) throw new Error(`it has ${stats.size} bytes, the limit is ${maxBytes}`)
}
