import { cp, mkdir, opendir, stat, unlink } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { messageOf } from '../../model/errors.ts'
import type { CommandResult, Operation, TransferOperation } from '../../protocol/operation.ts'
import { BoundedList } from './bounded-list.ts'
import { glob } from './glob.ts'
import { removeTree } from './remove-tree.ts'
import { endedBy, stopOf } from './stop.ts'
import { operationPath } from './workspace-path.ts'

export type FileOperation = Exclude<Operation, { op: 'shell' } | TransferOperation>

/**
 * Does one file operation. Exit code 0 with what was found in `data`, or 1 with a message. `rmdir` of what is not there
 * succeeds, as in Buildbot; `rmfile` does not. Lists end after 10,000 entries or 512 KiB, and the message says so.
 */
export async function runFileOperation(
  operation: FileOperation,
  workspace: string,
  signal: AbortSignal,
): Promise<CommandResult> {
  try {
    signal.throwIfAborted()
    const found = await perform(operation, workspace, signal)
    return { exitCode: 0, signal: null, reason: null, ...found }
  } catch (error) {
    if (signal.aborted) return endedBy(stopOf(signal))
    return { exitCode: 1, signal: null, reason: null, message: messageOf(error).slice(0, 4096) }
  }
}

type Found = Pick<CommandResult, 'data' | 'message'>

async function perform(operation: FileOperation, workspace: string, signal: AbortSignal): Promise<Found> {
  const at = (path: string) => operationPath(workspace, path)
  switch (operation.op) {
    case 'mkdir':
      await mkdir(at(operation.path), { recursive: true })
      return {}
    case 'rmdir':
      await removeTree(at(operation.path))
      return {}
    case 'rmfile':
      await unlink(at(operation.path))
      return {}
    case 'cpdir':
      await copyTree(at(operation.from), at(operation.to), signal)
      return {}
    case 'stat':
      return { data: describe(await stat(at(operation.path))) }
    case 'listdir':
      return listFolder(at(operation.path), signal)
    case 'glob':
      return found(await glob(workspace, operation.pattern, signal))
  }
}

async function copyTree(from: string, to: string, signal: AbortSignal): Promise<void> {
  const filter = () => {
    signal.throwIfAborted()
    return true
  }
  await cp(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true, filter })
}

function describe(stats: Stats): object {
  const type = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other'
  return { type, size: stats.size, mode: stats.mode & 0o7777, mtimeMs: Math.round(stats.mtimeMs) }
}

async function listFolder(path: string, signal: AbortSignal): Promise<Found> {
  const names = new BoundedList()
  for await (const entry of await opendir(path)) {
    signal.throwIfAborted()
    if (!names.add(entry.name)) break
  }
  return found(names)
}

function found(list: BoundedList): Found {
  return {
    data: list.sorted(),
    ...(list.cut && { message: `cut after ${list.length} entries: there are more` }),
  }
}
