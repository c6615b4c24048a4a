import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { jsonb } from '../db/jsonb.ts'
import { seconds, type Duration } from '../model/durations.ts'
import { messageOf } from '../model/errors.ts'
import type { PropertyValue } from '../model/properties.ts'
import type { TransferOperation } from '../protocol/operation.ts'
import type {
  BuildFacts,
  CommandOptions,
  CommandOutcome,
  CommandRequest,
  DownloadRequest,
  HttpAnswer,
  HttpRequest,
  StepContext,
  TriggerOutcome,
  TriggerRequest,
  UploadOutcome,
  UploadRequest,
} from '../steps/step.ts'
import type { StepHost } from './build-tools.ts'
import { Command, InfrastructureFailure } from './command.ts'
import { countLines } from './count-lines.ts'
import { operationOf } from './operation-of.ts'
import { sendFile } from './send-file.ts'
import { sendHttpRequest } from './send-http-request.ts'
import { StepLogs } from './step-logs.ts'
import type { Transfer } from './transfer.ts'
import { triggerBuilds } from './trigger-builds.ts'
import { uploadArtifact, type RunTransfer } from './upload-artifact.ts'

/** The context of one step while it runs: every effect is stored before it happens. */
export class StepRun implements StepContext {
  readonly build: BuildFacts
  readonly signal: AbortSignal
  /** The infrastructure lost a command, whatever the step makes of that. */
  lost: InfrastructureFailure | undefined
  readonly #host: StepHost
  readonly #stepId: number
  readonly #logs: StepLogs
  readonly #calls = new Set<string>()
  readonly #inFlight = new Set<Promise<void>>()
  readonly #over = new AbortController()
  /** Of the step's commands: the build was cancelled, or the step is over. */
  readonly #stop: AbortSignal

  constructor(host: StepHost, stepId: number, signal: AbortSignal) {
    this.build = host.facts
    this.signal = signal
    this.#host = host
    this.#stepId = stepId
    this.#logs = new StepLogs(host, stepId)
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
    return this.#track(this.#command(request, options))
  }

  /** The step must not be over before it has ended, and its failure must not be overlooked. */
  #track<T>(outcome: Promise<T>): Promise<T> {
    // Handled here too: a step that does not wait for its command must not end the master.
    const settled = outcome.then(
      () => {},
      (error: unknown) => {
        if (error instanceof InfrastructureFailure) this.lost ??= error
      },
    )
    this.#inFlight.add(settled)
    void settled.then(() => this.#inFlight.delete(settled))
    return outcome
  }

  upload(request: UploadRequest): Promise<UploadOutcome> {
    return this.#track(uploadArtifact(this.#host, this.#stepId, request, this.#transfer))
  }

  download(request: DownloadRequest): Promise<CommandOutcome> {
    return this.#track(sendFile(this.#host, request, this.#transfer))
  }

  async trigger(request: TriggerRequest): Promise<TriggerOutcome> {
    return this.#track(triggerBuilds(this.#host, request, this.#effect('trigger', request.key)))
  }

  async httpRequest(request: HttpRequest): Promise<HttpAnswer> {
    return this.#track(sendHttpRequest(request, this.#effect('http', request.key)))
  }

  async note(line: string): Promise<void> {
    this.#over.signal.throwIfAborted()
    await this.#logs.note(line)
  }

  async countLines(pattern: RegExp | string): Promise<number> {
    this.#over.signal.throwIfAborted()
    return countLines(this.#host.tools.db, this.#logs.ids, pattern, this.#stop)
  }

  async sleep(duration: Duration): Promise<void> {
    await this.#host.tools.clock.sleep(seconds(duration) * 1000, this.#stop)
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

  readonly #transfer: RunTransfer = (operation, begin) => this.#command(operation, {}, begin)

  async #command(
    request: CommandRequest | TransferOperation,
    { capture = 0, key }: CommandOptions,
    begin?: (command: string) => Promise<Transfer>,
  ): Promise<CommandOutcome> {
    this.#stop.throwIfAborted()
    const { claimed, env, place, runId, tools } = this.#host
    const operation = operationOf(request, [place.worker.spec.env, env])
    const id = randomUUID()
    const call = this.#call(key)
    const log = await this.#logs.take((trx, { bytes, id: log_id }) =>
      trx
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
        .execute(),
    )
    const transfer = await begin?.(id)
    const command = new Command({
      message: { type: 'run', command: id, workspace: `${place.builder}/${place.slot}`, operation },
      worker: place.worker,
      runId,
      log,
      capture,
      transfer,
    })
    const cancel = () => tools.commands.cancel(command, messageOf(this.#stop.reason))
    try {
      tools.commands.start(command)
      if (this.#stop.aborted) cancel()
      else this.#stop.addEventListener('abort', cancel, { once: true })
      const result = await command.finished
      return { ...result, stdout: await command.stdout() }
    } finally {
      this.#stop.removeEventListener('abort', cancel)
      this.#logs.giveBack(log)
    }
  }

  /** The key is the same whenever the step's function runs again, and no other effect has it. */
  #effect(kind: string, key: string | undefined): { key: string; signal: AbortSignal } {
    this.#stop.throwIfAborted()
    return { key: `rouse:${kind}:${this.build.id}:${this.#stepId}:${this.#call(key)}`, signal: this.#stop }
  }

  /** The effect's number within the step, or its key. */
  #call(key: string | undefined): string {
    const call = key ?? String(this.#calls.size + 1)
    if (this.#calls.has(call)) throw new Error(`the step has asked for "${call}" already`)
    this.#calls.add(call)
    return call
  }
}

/** Milliseconds that a cancelled step has to end. */
const patience = 5000
