import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../model/errors.ts'
import type { CommandResult } from '../../protocol/operation.ts'
import type { Log } from '../log.ts'
import type { HeldCommand } from './held-command.ts'
import { OutputLog } from './output-log.ts'
import type { Host } from './operation-context.ts'
import { readResult, removeResult, writeResult } from './spool/result-file.ts'
import { countLogs, logPath, namesOfLog, spooledCommands, spoolPath } from './spool/spool-path.ts'
import { endedBy } from './stop.ts'

/** A command of a supervisor that died: what is on disk of its output, and its result, or 'lost' where there was none. */
export class RecoveredCommand implements HeldCommand {
  readonly id: string
  readonly logs: readonly OutputLog[]
  readonly result: CommandResult
  readonly finished = Promise.resolve()
  readonly #path: string

  constructor(id: string, names: readonly string[], { spoolDir, usage }: Host) {
    this.id = id
    this.#path = spoolPath(spoolDir, id)
    const stored = readResult(this.#path)
    const count = Math.max(countLogs(names), stored?.logs.length ?? 0)
    this.logs = Array.from({ length: count }, (_, log) =>
      OutputLog.recover({ path: logPath(this.#path, log), usage }, namesOfLog(names, log)),
    )
    const lengths = this.logs.map((output, log) => ({ output, bytes: stored?.logs[log] ?? 0 }))
    // Of a log that was all committed, or a command that was being forgotten, only the result may be left.
    for (const { bytes, output } of lengths) if (stored && output.start === output.end) output.discard(bytes)
    // A machine that lost its power may have lost output and kept the result.
    if (stored && lengths.every(({ bytes, output }) => bytes <= output.end)) this.result = stored.result
    else this.result = this.#lost()
    for (const output of this.logs) output.close()
  }

  cancel(): void {}

  kill(): void {}

  forget(): void {
    for (const output of this.logs) output.discard()
    removeResult(this.#path)
  }

  #lost(): CommandResult {
    this.logs[0]!.appendHeader(`${lost.message}\n`)
    const result = endedBy(lost)
    try {
      writeResult(this.#path, { result, logs: this.logs.map(({ end }) => end) })
    } catch {
      // The disk is full: a later supervisor finds it lost once more.
    }
    return result
  }
}

/** Finds the commands of a dead supervisor. What cannot be read is told and removed. */
export function recoverCommands(host: Host, log: Log): RecoveredCommand[] {
  mkdirSync(host.spoolDir, { recursive: true, mode: 0o700 })
  return [...spooledCommands(host.spoolDir)].flatMap(([id, names]) => {
    try {
      if (!commandId.test(id)) throw new Error('not a command')
      return new RecoveredCommand(id, names, host)
    } catch (error) {
      const paths = names.map((name) => join(host.spoolDir, name ? `${id}.${name}` : id))
      log.warn(`cannot tell what ${paths.join(', ')} is: ${messageOf(error)}`)
      for (const path of paths) rmSync(path, { recursive: true, force: true })
      return []
    }
  })
}

const lost = { reason: 'lost', message: 'the agent died while this ran' } as const
const commandId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
