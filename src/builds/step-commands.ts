import { randomUUID } from 'node:crypto'
import { jsonb } from '../db/jsonb.ts'
import type { Place } from '../fleet/worker.ts'
import { messageOf } from '../model/errors.ts'
import type { StoredOperation } from '../db/stored-operation.ts'
import type { CommandResult, TransferOperation } from '../protocol/operation.ts'
import type { Run } from '../protocol/messages.ts'
import type { CommandRequest } from '../steps/step.ts'
import type { StepHost } from './build-tools.ts'
import { Command, InfrastructureFailure } from './command.ts'
import { CommandLog } from './command-log.ts'
import { operationOf } from './operation-of.ts'
import type { StepLogs } from './step-logs.ts'
import type { StepSecrets } from './step-secrets.ts'
import { notStored, storedCommand, type StoredCalls, type StoredCommand } from './stored-calls.ts'
import type { Transfer } from './transfer.ts'

/** A command that has ended, and where its output is stored. */
export interface EndedCommand {
  readonly id: string
  readonly result: CommandResult
  readonly output: { readonly logId: number; readonly from: number; readonly to: number }
}

/** Makes the master's end of the file that a command transfers. */
export type BeginTransfer = (command: string) => Promise<Transfer>

interface StepCommandsOptions {
  readonly host: StepHost
  readonly stepId: number
  readonly stored: StoredCalls
  readonly logs: StepLogs
  readonly secrets: StepSecrets
  /** Aborted: what runs is cancelled. */
  readonly stop: AbortSignal
  /** Only what is stored is answered. */
  readonly replayed: boolean
}

/** The commands of one step: each is stored before its agent gets it, and those of an earlier master go on. */
export class StepCommands {
  readonly #o: StepCommandsOptions
  /** Commands of an earlier master that this one goes on with. */
  readonly #taken = new Set<string>()

  constructor(options: StepCommandsOptions) {
    this.#o = options
  }

  /** Throws InfrastructureFailure when it is lost. */
  async run(
    call: string,
    request: CommandRequest | TransferOperation,
    transfer?: BeginTransfer,
  ): Promise<EndedCommand> {
    const { host, stored } = this.#o
    const operation = operationOf(request, [host.place.worker.spec.env, host.env])
    const before = storedCommand(stored, call, operation)
    if (before?.result) return endedBefore(before, before.result)
    if (this.#o.replayed) throw notStored(call, 'a command')
    const command = before ? this.#again(before) : await this.#begin(call, operation)
    const result = await this.#finished(command, transfer)
    const { base, log, received } = command.logs[0]!
    return { id: command.id, result, output: { logId: log.id, from: base, to: base + received } }
  }

  /** How a download of this path ended; the file itself is not looked at. */
  downloaded(call: string, path: string): CommandResult {
    const before = this.#o.stored.commands.find((command) => command.call === call)
    const { operation, result } = before ?? {}
    if (!before || !result || operation?.op !== 'downloadFile' || operation.path !== path)
      throw notStored(call, 'a download')
    return endedBefore(before, result).result
  }

  /** Lets the commands that an earlier master began, and that the step does not ask for any more, come to their end. */
  async outlast(): Promise<void> {
    const open = this.#o.stored.commands.filter((c) => c.result === null && !this.#taken.has(c.id))
    await Promise.all(open.map((stored) => this.#finished(this.#again(stored)).catch(() => {})))
  }

  async #begin(call: string, operation: StoredOperation): Promise<Command> {
    const { host, logs, secrets, stepId } = this.#o
    const { claimed, place, runId } = host
    // Nothing is stored of what cannot be sent.
    secrets.operation(operation)
    const id = randomUUID()
    const files = operation.op === 'shell' ? (operation.logFiles ?? []) : []
    let taken: CommandLog[] = []
    await logs.take(['stdio', ...files.map(({ name }) => name)], async (trx, open) => {
      taken = open.map((log) => new CommandLog(log, log.bytes))
      const [output, ...more] = taken
      await trx
        .insertInto('commands')
        .values({
          id,
          build_id: claimed.id,
          step_id: stepId,
          call,
          operation: jsonb(operation),
          log_id: output!.log.id,
          log_base: output!.base,
        })
        .onConflict((oc) => oc.column('id').doNothing())
        .execute()
      if (more.length === 0) return
      await trx
        .insertInto('command_logs')
        .values(
          more.map(({ base, log }, i) => ({ command_id: id, log: i + 1, log_id: log.id, log_base: base })),
        )
        .onConflict((oc) => oc.columns(['command_id', 'log']).doNothing())
        .execute()
    })
    const message = () => this.#message(id, operation)
    return new Command({ id, message, worker: place.worker, runId, logs: taken })
  }

  /** A command that an earlier master began: its agent goes on with it. */
  #again({ id, logBase, logId, moreLogs, operation }: StoredCommand): Command {
    const { host, logs } = this.#o
    const { place, runId } = host
    this.#taken.add(id)
    const message = () => this.#message(id, operation)
    const taken = [{ logId, logBase }, ...moreLogs].map(
      (log) => new CommandLog(logs.takeStored(log.logId), log.logBase),
    )
    return new Command({ id, message, worker: place.worker, runId, logs: taken })
  }

  /** What its agent gets; only what the step itself says of it is stored. */
  #message(command: string, stored: StoredOperation): Run {
    const { host, secrets } = this.#o
    const { place, tools } = host
    const { operation, ...more } = secrets.operation(stored)
    const sent = operation.op === 'shell' ? { maxLogSize: tools.maxLogSize, ...operation } : operation
    return { type: 'run', command, workspace: workspaceOf(place), operation: sent, ...more }
  }

  async #finished(command: Command, transfer?: BeginTransfer): Promise<CommandResult> {
    const { host, logs, stop } = this.#o
    const { commands } = host.tools
    const cancel = () => commands.cancel(command, messageOf(stop.reason))
    try {
      if (transfer) command.transfer = await this.#begun(command, transfer)
      commands.start(command)
      if (stop.aborted) cancel()
      else stop.addEventListener('abort', cancel, { once: true })
      return await command.finished
    } finally {
      stop.removeEventListener('abort', cancel)
      for (const { log } of command.logs) logs.giveBack(log)
    }
  }

  /** No agent is asked for a file that the master cannot take. */
  async #begun(command: Command, transfer: BeginTransfer): Promise<Transfer> {
    try {
      return await transfer(command.id)
    } catch (error) {
      const message = `the master cannot take part in the transfer: ${messageOf(error)}`
      await this.#o.host.tools.commands.abandon(command, message)
      throw new InfrastructureFailure(message)
    }
  }
}

/** Of a command that ended under an earlier master. */
function endedBefore({ id, logBase, logBytes, logId }: StoredCommand, result: CommandResult): EndedCommand {
  if (result.reason === 'lost')
    throw new InfrastructureFailure(result.message ?? 'the agent lost the command')
  return { id, result, output: { logId, from: logBase, to: logBase + (logBytes ?? 0) } }
}

function workspaceOf({ builder, slot }: Place): string {
  return `${builder}/${slot}`
}
