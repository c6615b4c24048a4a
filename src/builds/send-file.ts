import { resolve } from 'node:path'
import { messageOf } from '../model/errors.ts'
import type { CommandOutcome, DownloadRequest } from '../steps/step.ts'
import type { StepHost } from './build-tools.ts'
import { FileDownload, outgoingFile, outgoingText, type Outgoing } from './file-download.ts'
import type { RunTransfer } from './upload-artifact.ts'

/** Puts a file on the worker: a text, or a file of the master's machine. */
export async function sendFile(
  { tools }: StepHost,
  request: DownloadRequest,
  run: RunTransfer,
): Promise<CommandOutcome> {
  let outgoing: Outgoing
  try {
    outgoing =
      'content' in request
        ? outgoingText(request.content)
        : await outgoingFile(resolve(tools.configDir, request.from))
  } catch (error) {
    return failed(`it cannot be read on the master: ${messageOf(error)}`)
  }
  try {
    const { sha256, size, source } = outgoing
    const { mode = 0o644, path } = request
    const download = new FileDownload(source)
    const { result } = await run({ op: 'downloadFile', path, size, sha256, mode }, async () => download)
    return result.exitCode !== 0 && download.failure
      ? failed(`it cannot be read on the master: ${download.failure.message}`)
      : { ...result, stdout: '' }
  } finally {
    await outgoing[Symbol.asyncDispose]()
  }
}

function failed(message: string): CommandOutcome {
  return { exitCode: 1, signal: null, reason: null, message, stdout: '' }
}
