import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { jsonb } from '../db/jsonb.ts'
import { seconds, type Duration } from '../model/durations.ts'
import type { PropertyValue } from '../model/properties.ts'
import type { CommandResult } from '../protocol/operation.ts'
import type {
  BuildFacts,
  CommandOptions,
  CommandOutcome,
  CommandRequest,
  DownloadRequest,
  HttpAnswer,
  HttpRequest,
  MasterShellRequest,
  Step,
  StepContext,
  StepOutcome,
  TriggerOutcome,
  TriggerRequest,
  UploadOutcome,
  UploadRequest,
} from '../steps/step.ts'
import { secretsOf } from '../steps/secrets-of.ts'
import { addSteps } from './add-steps.ts'
import type { StepHost } from './build-tools.ts'
import { InfrastructureFailure } from './command.ts'
import { Detached } from './detached.ts'
import { countLines } from './count-lines.ts'
import { patternParts } from './line-counter.ts'
import { readStdout } from './read-stdout.ts'
import { runOnMaster } from './run-on-master.ts'
import { digestOf, sendHttpRequest } from './send-http-request.ts'
import { sendFile } from './send-file.ts'
import { StepCommands } from './step-commands.ts'
import { StepEffects } from './step-effects.ts'
import { StepLogs } from './step-logs.ts'
import { StepSecrets } from './step-secrets.ts'
import { ConfigChanged, nothingStored, type StoredCalls } from './stored-calls.ts'
import { triggerBuilds } from './trigger-builds.ts'
import { writingMasked } from './writing-masked.ts'
import { uploadArtifact, type RunTransfer } from './upload-artifact.ts'

/** The step has ended under an earlier master, and is only to tell what it added. */
export interface Replay {
  /** It has told of some. */
  added(): void
}

/** The context of one step while it runs: every effect is stored before it happens. */
export class StepRun implements StepContext {
  readonly build: BuildFacts
  readonly signal: AbortSignal
  /** A command was lost, the config changed, or this master lets go: whatever the step makes of that. */
  lost: NotTheSteps | undefined
  readonly #host: StepHost
  readonly #stepId: number
  readonly #logs: StepLogs
  readonly #effects: StepEffects
  readonly #commands: StepCommands
  readonly #secrets: StepSecrets
  readonly #inFlight = new Set<Promise<void>>()
  readonly #over = new AbortController()
  /** Of what the step has asked for: the build was cancelled, or the step is over. */
  readonly #stop: AbortSignal
  readonly #replay: Replay | undefined

  /** `stored`: what an earlier master has stored of this step; with `replay` nothing else happens. */
  constructor(
    host: StepHost,
    stepId: number,
    signal: AbortSignal,
    stored: StoredCalls = nothingStored,
    replay?: Replay,
  ) {
    this.build = host.facts
    this.signal = signal
    this.#host = host
    this.#stepId = stepId
    this.#logs = new StepLogs(host, stepId, stored.logs)
    this.#replay = replay
    const replayed = replay !== undefined
    this.#effects = new StepEffects(host, stepId, stored, replayed)
    this.#stop = AbortSignal.any([signal, this.#over.signal])
    this.#secrets = new StepSecrets(host.tools.secrets)
    const [logs, secrets, stop] = [this.#logs, this.#secrets, this.#stop]
    this.#commands = new StepCommands({ host, stepId, stored, logs, secrets, stop, replayed })
  }

  get properties() {
    return this.#host.claimed.properties
  }

  async setProperty(name: string, value: PropertyValue): Promise<void> {
    this.#over.signal.throwIfAborted()
    if (this.#replay) return
    const json = jsonb(value)
    const row = { build_id: this.build.id, name, value: json, source: 'step' } as const
    await this.#host.commit.write((trx) =>
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

  command(request: CommandRequest, { capture = 0, key }: CommandOptions = {}): Promise<CommandOutcome> {
    return this.#track(async () => {
      this.#stop.throwIfAborted()
      const { output, result } = await this.#commands.run(this.#effects.call(key), request)
      if (capture === 0) return { ...result, stdout: '' }
      const stdout = await readStdout(this.#host.tools.db, output.logId, { ...output, limit: capture })
      return { ...result, stdout }
    })
  }

  upload(request: UploadRequest): Promise<UploadOutcome> {
    return this.#track(() => uploadArtifact(this.#host, this.#stepId, request, this.#transfer(request.key)))
  }

  download(request: DownloadRequest): Promise<CommandOutcome> {
    return this.#track(async () => {
      if (!this.#replay) return sendFile(this.#host, request, this.#transfer(request.key))
      const result = this.#commands.downloaded(this.#effects.call(request.key), request.path)
      return { ...result, stdout: '' }
    })
  }

  trigger({ key, ...request }: TriggerRequest): Promise<TriggerOutcome> {
    return this.#outside('trigger', request, key, (asked) => triggerBuilds(this.#host, request, asked))
  }

  masterShell({ key: named, ...request }: MasterShellRequest): Promise<CommandResult> {
    // Its environment may hold what must not be stored.
    const asked = { digest: digestOf(request) }
    return this.#outside('masterShell', asked, named, async ({ key, signal }) => {
      const revealed = this.#secrets.masterShell(request)
      let isNew = false
      await this.#effects.once(`${key} begun`, 'begun', asked, () => (isNew = true))
      if (!isNew && !request.idempotent)
        throw new Error('nobody knows how the command ended: the master was stopped while it ran')
      const { configDir: cwd } = this.#host.tools
      const result = await this.#logs.writing((plain) =>
        writingMasked(this.#secrets.used, plain, (write) => runOnMaster(revealed, { cwd, signal, write })),
      )
      const { message } = result
      return message === undefined ? result : { ...result, message: this.#secrets.hide(message) }
    })
  }

  httpRequest({ key, ...request }: HttpRequest): Promise<HttpAnswer> {
    // Its headers may hold what must not be stored.
    const digest = digestOf(request)
    // A redirect would hand its secrets to whatever host the answer names.
    const follow = secretsOf([request.headers, request.body]).length === 0
    return this.#outside('httpRequest', { digest }, key, async (asked) => {
      const revealed = this.#secrets.httpRequest(request)
      return this.#secrets.hideInAnswer(await sendHttpRequest(revealed, { ...asked, follow }))
    })
  }

  countLines(pattern: RegExp | string): Promise<number> {
    const { clock, db } = this.#host.tools
    const parts = patternParts(pattern)
    return this.#outside('countLines', parts, undefined, ({ signal }) =>
      countLines(this.#logs.stdioIds, parts, { clock, db, signal }),
    )
  }

  addSteps(steps: readonly Step[], { key }: { key?: string } = {}): Promise<void> {
    return this.#track(async () => {
      this.#stop.throwIfAborted()
      const [call, effects] = [this.#effects.call(key), this.#effects]
      await addSteps(this.#host, { stepId: this.#stepId, call, effects, steps })
      this.#replay?.added()
    })
  }

  async note(text: string, key?: string): Promise<void> {
    this.#over.signal.throwIfAborted()
    const line = this.#secrets.hide(text)
    const call = this.#effects.call(key)
    if (this.#replay) return void this.#effects.before(call, 'note', { line })
    await this.#logs.note(line, (at) => this.#effects.once(call, 'note', { line }, () => at))
  }

  async sleep(duration: Duration): Promise<void> {
    const { clock } = this.#host.tools
    const ms = seconds(duration) * 1000
    const until = await this.#effects.once(this.#effects.call(), 'sleep', { ms }, () => clock.now() + ms)
    if (!this.#replay) await clock.sleep(Math.max(0, until - clock.now()), this.#stop)
  }

  async now(): Promise<Date> {
    const { clock } = this.#host.tools
    return new Date(await this.#effects.once(this.#effects.call(), 'now', null, () => clock.now()))
  }

  async randomId(): Promise<string> {
    return this.#effects.once(this.#effects.call(), 'randomId', null, () => randomUUID())
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

  /** The same without the values of the step's secrets. */
  hidden(outcome: StepOutcome): StepOutcome {
    return this.#secrets.hideInOutcome(outcome)
  }

  /** Marks the step's logs as complete. */
  finishLogs(): Promise<void> {
    return this.#logs.finish()
  }

  /** Lets the commands that an earlier master began, and that the step does not ask for any more, come to their end. */
  outlast(): Promise<void> {
    return this.#commands.outlast()
  }

  #transfer(key: string | undefined): RunTransfer {
    const call = this.#effects.call(key)
    return async (operation, begin) => {
      this.#stop.throwIfAborted()
      return this.#commands.run(call, operation, begin)
    }
  }

  /** Something beyond commands, asked for under a key that is the same whenever the step runs again. */
  #outside<T>(
    kind: string,
    request: unknown,
    named: string | undefined,
    ask: (o: { key: string; signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    return this.#track(async () => {
      this.#stop.throwIfAborted()
      const call = this.#effects.call(named)
      const key = `rouse:${kind}:${this.build.id}:${this.#stepId}:${call}`
      return this.#effects.once(call, kind, request, () => ask({ key, signal: this.#stop }))
    })
  }

  /** The step is not over before this has ended, and a failure that is not the step's is not overlooked. */
  #track<T>(work: () => Promise<T>): Promise<T> {
    const outcome = work()
    // Handled here too: a step that does not wait for it must not end the master.
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
}

type NotTheSteps = InfrastructureFailure | ConfigChanged | Detached

/** What ends a build, or this master's part in it, through no fault of the step. */
export function isNotTheSteps(error: unknown): error is NotTheSteps {
  return error instanceof InfrastructureFailure || error instanceof ConfigChanged || error instanceof Detached
}

/** Milliseconds that a cancelled step has to end. */
const patience = 5000
