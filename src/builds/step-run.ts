import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { jsonb } from '../db/jsonb.ts'
import { seconds, type Duration } from '../model/durations.ts'
import { messageOf } from '../model/errors.ts'
import type { PropertyValue } from '../model/properties.ts'
import type { CommandResult, Operation } from '../protocol/operation.ts'
import type { Place } from '../fleet/worker.ts'
import type {
  BuildFacts,
  CommandOptions,
  CommandOutcome,
  CommandRequest,
  StepContext,
} from '../steps/step.ts'
import type { StepHost } from './build-tools.ts'
import { Command, Detached, InfrastructureFailure } from './command.ts'
import { operationOf } from './operation-of.ts'
import { readStdout } from './read-stdout.ts'
import { StepLogs } from './step-logs.ts'
import {
  ConfigChanged,
  nothingStored,
  storedCommand,
  storedEffect,
  type StoredCalls,
  type StoredCommand,
} from './stored-calls.ts'

/** The context of one step while it runs: every effect is stored before it happens. */
export class StepRun implements StepContext {
  readonly build: BuildFacts
  readonly signal: AbortSignal
  /** A command was lost, the config changed, or this master lets go: whatever the step makes of that. */
  lost: NotTheSteps | undefined
  readonly #host: StepHost
  readonly #stepId: number
  readonly #logs: StepLogs
  /** What an earlier master has stored of this step. */
  readonly #stored: StoredCalls
  readonly #calls = new Set<string>()
  /** Commands of an earlier master that this one goes on with. */
  readonly #taken = new Set<string>()
  #unnamed = 0
  readonly #inFlight = new Set<Promise<void>>()
  readonly #over = new AbortController()
  /** Of the step's commands: the build was cancelled, or the step is over. */
  readonly #stop: AbortSignal

  constructor(host: StepHost, stepId: number, signal: AbortSignal, stored: StoredCalls = nothingStored) {
    this.build = host.facts
    this.signal = signal
    this.#host = host
    this.#stepId = stepId
    this.#stored = stored
    this.#logs = new StepLogs(host, stepId, stored.logs)
    this.#stop = AbortSignal.any([signal, this.#over.signal])
  }

  get properties() {
    return this.#host.claimed.properties
  }

  async setProperty(name: string, value: PropertyValue): Promise<void> {
    this.#over.signal.throwIfAborted()
    const json = jsonb(value)
    const row = { build_id: this.build.id, name, value: json, source: 'step' } as const
    await this.#host.tools.commit.write((trx) =>
      trx
        .insertInto('build_properties')
        .values(row)
        .onConflict((oc) =>
          oc.columns(['build_id', 'name']).doUpdateSet({ value: row.value, source: row.source }),
        )
        .execute(),
    )
    // As it is stored, so that a master that takes the build up sees the same.
    this.properties.set({ name, value: JSON.parse(json) as PropertyValue, source: 'step' })
  }

  command(request: CommandRequest, options: CommandOptions = {}): Promise<CommandOutcome> {
    const outcome = this.#command(request, options)
    // Handled here too: a step that does not wait for its command must not end the master.
    const settled = outcome.then(
      () => {},
      (error: unknown) => {
        if (isNotTheSteps(error)) this.lost ??= error
      },
    )
    this.#inFlight.add(settled)
    void settled.then(() => this.#inFlight.delete(settled))
    return outcome
  }

  async note(line: string): Promise<void> {
    this.#over.signal.throwIfAborted()
    const call = this.#call(undefined)
    await this.#logs.note(line, (at) => this.#effect(call, 'note', { line }, () => at))
  }

  async sleep(duration: Duration): Promise<void> {
    const { clock } = this.#host.tools
    const ms = seconds(duration) * 1000
    const until = await this.#effect(this.#call(undefined), 'sleep', { ms }, () => clock.now() + ms)
    await clock.sleep(Math.max(0, until - clock.now()), this.#stop)
  }

  async now(): Promise<Date> {
    const at = await this.#effect(this.#call(undefined), 'now', null, () => this.#host.tools.clock.now())
    return new Date(at)
  }

  async randomId(): Promise<string> {
    return this.#effect(this.#call(undefined), 'randomId', null, () => randomUUID())
  }

  /** Rejects some seconds after the build was cancelled, in case the step does not heed that. */
  async unheeded(): Promise<never> {
    if (!this.signal.aborted) await once(this.signal, 'abort', { signal: this.#over.signal })
    await Promise.all(this.#inFlight)
    await this.#host.tools.clock.sleep(patience, this.#over.signal)
    throw new Error(`it did not end within ${patience / 1000} s after it was cancelled`)
  }

  /** Ends what the step has left running: whatever it asks for from now on is refused. */
  async end(): Promise<void> {
    this.#over.abort(new Error('the step is over'))
    await Promise.all(this.#inFlight)
  }

  /** Marks the step's logs as complete. */
  finishLogs(): Promise<void> {
    return this.#logs.finish()
  }

  async #command(request: CommandRequest, { capture = 0, key }: CommandOptions): Promise<CommandOutcome> {
    this.#stop.throwIfAborted()
    const { env, place, tools } = this.#host
    const operation = operationOf(request, [place.worker.spec.env, env])
    const call = this.#call(key)
    const before = storedCommand(this.#stored, call, operation)
    if (before?.result) return this.#outcomeOf(before, before.result, capture)
    const command = before ? this.#again(before) : await this.#begin(call, operation)
    const result = await this.#finished(command)
    if (capture === 0) return { ...result, stdout: '' }
    const { base, log, received } = command
    const part = { from: base, to: base + received, limit: capture }
    return { ...result, stdout: await readStdout(tools.db, log.id, part) }
  }

  /** Of a command that ended under an earlier master. */
  async #outcomeOf(
    { logBase, logBytes, logId }: StoredCommand,
    result: CommandResult,
    capture: number,
  ): Promise<CommandOutcome> {
    if (result.reason === 'lost')
      throw new InfrastructureFailure(result.message ?? 'the agent lost the command')
    if (capture === 0) return { ...result, stdout: '' }
    const part = { from: logBase, to: logBase + (logBytes ?? 0), limit: capture }
    return { ...result, stdout: await readStdout(this.#host.tools.db, logId, part) }
  }

  async #begin(call: string, operation: Operation): Promise<Command> {
    const { claimed, place, runId } = this.#host
    const id = randomUUID()
    let base = 0
    const log = await this.#logs.take((trx, { bytes, id: log_id }) => {
      base = bytes
      return trx
        .insertInto('commands')
        .values({
          id,
          build_id: claimed.id,
          step_id: this.#stepId,
          call,
          operation: jsonb(operation),
          log_id,
          log_base: bytes,
        })
        .onConflict((oc) => oc.column('id').doNothing())
        .execute()
    })
    const message = { type: 'run', command: id, workspace: workspaceOf(place), operation } as const
    return new Command({ message, worker: place.worker, runId, log, base })
  }

  /** A command that an earlier master began: its agent goes on with it. */
  #again({ id, logBase: base, logId, operation }: StoredCommand): Command {
    const { place, runId } = this.#host
    this.#taken.add(id)
    const message = { type: 'run', command: id, workspace: workspaceOf(place), operation } as const
    return new Command({ message, worker: place.worker, runId, log: this.#logs.takeStored(logId), base })
  }

  async #finished(command: Command): Promise<CommandResult> {
    const { commands } = this.#host.tools
    const cancel = () => commands.cancel(command, messageOf(this.#stop.reason))
    try {
      commands.start(command)
      if (this.#stop.aborted) cancel()
      else this.#stop.addEventListener('abort', cancel, { once: true })
      return await command.finished
    } finally {
      this.#stop.removeEventListener('abort', cancel)
      this.#logs.giveBack(command.log)
    }
  }

  /** Lets the commands that an earlier master began, and that the step does not ask for any more, come to their end. */
  async outlast(): Promise<void> {
    const open = this.#stored.commands.filter((c) => c.result === null && !this.#taken.has(c.id))
    await Promise.all(open.map((stored) => this.#finished(this.#again(stored)).catch(() => {})))
  }

  /** Stores what `make` returns before anyone acts on it, or returns what an earlier master has stored. */
  async #effect<T>(call: string, kind: string, request: unknown, make: () => T): Promise<T> {
    const before = storedEffect(this.#stored, call, kind, request)
    if (before) return before.result as T
    const result = make()
    const row = { step_id: this.#stepId, call, kind, request: jsonb(request), result: jsonb(result) }
    await this.#host.tools.commit.write((trx) =>
      trx
        .insertInto('effects')
        .values(row)
        .onConflict((oc) => oc.doNothing())
        .execute(),
    )
    return result
  }

  /** The effect's number within the step, or its key. */
  #call(key: string | undefined): string {
    const call = key ?? String(++this.#unnamed)
    if (this.#calls.has(call)) throw new Error(`the step has asked for an effect "${call}" already`)
    this.#calls.add(call)
    return call
  }
}

type NotTheSteps = InfrastructureFailure | ConfigChanged | Detached

/** What ends a build, or this master's part in it, through no fault of the step. */
export function isNotTheSteps(error: unknown): error is NotTheSteps {
  return error instanceof InfrastructureFailure || error instanceof ConfigChanged || error instanceof Detached
}

function workspaceOf({ builder, slot }: Place): string {
  return `${builder}/${slot}`
}

/** Milliseconds that a cancelled step has to end. */
const patience = 5000
