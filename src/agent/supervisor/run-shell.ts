import { mkdir } from 'node:fs/promises'
import { messageOf } from '../../model/errors.ts'
import type { CommandResult, ShellOperation } from '../../protocol/operation.ts'
import { commandEnvironment } from './environment.ts'
import { FollowedFiles } from './followed-files.ts'
import type { OperationContext } from './operation-context.ts'
import { endHeader, startHeader } from './shell-header.ts'
import { ShellRun } from './shell-run.ts'
import { spawnShell, type SpawnedShell } from './spawn-shell.ts'
import { endedBy, stopOf } from './stop.ts'
import { operationPath } from './workspace-path.ts'

/** Runs a command to its end; its output goes to the log. Never throws: what goes wrong is in the result. */
export async function runShell(operation: ShellOperation, context: OperationContext): Promise<CommandResult> {
  const { cancel, host, id, kill, output, workspace } = context
  let spawned: SpawnedShell
  let followed: FollowedFiles | undefined
  let run: ShellRun | undefined
  const startedAt = performance.now()
  try {
    const cwd = operationPath(workspace, operation.workdir)
    const env = commandEnvironment(host.env, operation.env, id)
    output.appendHeader(startHeader(operation, cwd))
    await mkdir(cwd, { recursive: true })
    if (operation.logFiles?.length) {
      followed = new FollowedFiles(operation, { cwd, context, heard: () => run?.heard() })
      await followed.prepare()
    }
    cancel.throwIfAborted()
    kill.throwIfAborted()
    const onSpawned = (pid: number) => host.leftovers.record(id, pid)
    const { stdin = '' } = operation
    const secretInput = output.masked(stdin) !== stdin
    spawned = await spawnShell(operation, { ...host, id, cwd, env, secretInput, onSpawned })
  } catch (error) {
    const stopped = [cancel, kill].find((signal) => signal.aborted)
    const reason = stopped ? stopOf(stopped).reason : 'notStarted'
    const message = stopped ? 'ended before it began' : messageOf(error)
    output.appendHeader(`not started: ${message}\n`)
    return endedBy({ reason, message })
  }
  run = new ShellRun(operation, context, spawned)
  followed?.follow()
  let result: CommandResult
  try {
    result = await run.finished
  } finally {
    await followed?.finish()
  }
  host.leftovers.settle(id, spawned.pid)
  output.appendHeader(endHeader(result, performance.now() - startedAt))
  return result
}
