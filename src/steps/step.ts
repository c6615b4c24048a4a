import type { Duration } from '../model/durations.ts'
import type { LockAccess } from '../model/lock.ts'
import type { PropertyReader, PropertyValue } from '../model/properties.ts'
import type { Result } from '../model/results.ts'
import type { Secret } from '../model/secret.ts'
import type { CommandResult, Operation, TransferOperation } from '../protocol/operation.ts'
import type { SourceStamp } from '../model/source-stamp.ts'

/**
 * One step of a builder: a name, flags, and an async function that asks for effects through its context. The function may
 * run more than once for one build (after a restart of the master its stored effects come back at once), so it must
 * reach the outside world only through the context.
 */
export interface Step extends StepFlags {
  readonly kind: 'step'
  /** What made it: 'shell', 'git', ... or 'custom'. */
  readonly type: string
  readonly name: string
  readonly run: (context: StepContext) => Promise<StepOutcome | Result | void>
  /** Builders that it names, for `rouse check`. */
  readonly builders?: readonly string[]
  /** What is wrong with its options, for `rouse check`: 'timeout: not a duration: "soon"'. */
  readonly mistakes?: readonly string[]
  /** Secrets that it is known to use, so that a missing one is told at the start and not by a build. */
  readonly secrets?: readonly Secret[]
}

/** Flags that every step takes. */
export interface StepFlags {
  /** When the step fails, the steps after it are skipped, but for those with `alwaysRun`. Default true (Buildbot's is false). */
  readonly haltOnFailure?: boolean
  /** When the step fails, the build fails. Default true. */
  readonly flunkOnFailure?: boolean
  /** When the step ends in WARNINGS, the build does too. Default true. */
  readonly warnOnWarnings?: boolean
  /** Runs also after a halt or a cancelled build. Default false. */
  readonly alwaysRun?: boolean
  /** Held while the step runs; it waits for all of them first. A lock that its builder holds already cannot be one of them. */
  readonly locks?: readonly LockAccess[]
  /** Whether to run at all; false ends the step SKIPPED. A function gets the build's properties and its result so far. */
  readonly doStepIf?: boolean | ((properties: PropertyReader, resultSoFar: Result) => boolean)
}

export interface StepOutcome {
  readonly result: Result
  /** A few words for people: 'exit code 2', '3 files'. */
  readonly summary?: string
}

/** What a step may ask for. */
export interface StepContext {
  readonly build: BuildFacts
  readonly properties: PropertyReader
  /**
   * Aborted when the build is cancelled. Commands in flight are cancelled without the step's help; a step that has not ended
   * 5 s after them is left alone.
   */
  readonly signal: AbortSignal
  /** Sets a property of the build, with the step as its source. */
  setProperty(name: string, value: PropertyValue): Promise<void>
  /** Runs one operation on the worker; its output goes to the step's log. */
  command(operation: CommandRequest, options?: CommandOptions): Promise<CommandOutcome>
  /** Stores a file or a folder of the worker as an artifact of the build. */
  upload(request: UploadRequest): Promise<UploadOutcome>
  /** Puts a file on the worker. */
  download(request: DownloadRequest): Promise<CommandOutcome>
  /** Requests builds of other builders, once, however often the step's function runs. */
  trigger(request: TriggerRequest): Promise<TriggerOutcome>
  /** Runs a command on the master's machine; its output goes to the step's log. */
  masterShell(request: MasterShellRequest): Promise<CommandResult>
  /** Sends a request from the master; its header Idempotency-Key is the same however often the step's function runs. */
  httpRequest(request: HttpRequest): Promise<HttpAnswer>
  /**
   * How many lines that the step's commands have written so far match, on stdout and stderr together. The first 4096 bytes
   * of a line are looked at.
   */
  countLines(pattern: RegExp | string): Promise<number>
  /** Writes a line of the master's own to the step's log. */
  note(line: string): Promise<void>
  /**
   * Adds steps to this build: they run right after this one, in their order, before what comes next. All of one build are at
   * most 1,000. What decides about them must come from the context: after a restart of the master the function is run
   * again with its stored answers, to learn what the added steps do.
   */
  addSteps(steps: readonly Step[], options?: { readonly key?: string }): Promise<void>
  /** Waits; ends early with the signal's reason when the build is cancelled. */
  sleep(duration: Duration): Promise<void>
  /** The time, the same again when the step runs once more after a restart of the master. */
  now(): Promise<Date>
  /** A random UUID, the same again when the step runs once more. */
  randomId(): Promise<string>
}

/** An operation with the shell's optional parts left out. */
export type CommandRequest =
  | Exclude<Operation, { op: 'shell' } | TransferOperation>
  | {
      readonly op: 'shell'
      readonly command: string | readonly string[]
      readonly workdir?: string
      /** The value of a secret goes to the agent with the command, and is stored nowhere. */
      readonly env?: Readonly<Record<string, string | Secret | null>>
      readonly timeout?: Duration
      readonly maxTime?: Duration
      readonly grace?: Duration
      readonly stdin?: string | Secret
      /** Bytes of its log, at least 1024. Default: the config's `maxLogSize`. */
      readonly maxLogSize?: number
      /** Files to follow while it runs, each a log of the step: its name, and its path relative to `workdir`. */
      readonly logFiles?: Readonly<Record<string, string>>
    }

export interface CommandOptions {
  /** Names the effect; needed when several are asked for at once, so that each finds its own result again. */
  readonly key?: string
  /** Keeps the last bytes of stdout, up to this many, and returns them as `stdout` of the outcome. Default 0. */
  readonly capture?: number
}

export interface CommandOutcome extends CommandResult {
  readonly stdout: string
}

export interface UploadRequest {
  readonly path: string
  /** It is a folder, to be packed as .tar.gz. Default false. */
  readonly folder?: boolean
  /** The artifact's name, unique in its build. */
  readonly name: string
  /** Its media type. */
  readonly type: string
  /** Names the effect, as of `command`. */
  readonly key?: string
}

export interface UploadOutcome extends CommandOutcome {
  /** What was stored, when it was. */
  readonly artifact?: ArtifactFacts
}

export interface ArtifactFacts {
  readonly id: number
  readonly name: string
  readonly type: string
  /** Bytes. */
  readonly size: number
  /** In hexadecimal digits. */
  readonly sha256: string
}

/** A text, or a file of the master's machine, whose path is relative to the folder of master.config.ts. */
export type DownloadRequest = ({ readonly content: string } | { readonly from: string }) & {
  readonly path: string
  /** Permissions. Default 0o644. */
  readonly mode?: number
  /** Names the effect, as of `command`. */
  readonly key?: string
}

export interface TriggerRequest {
  readonly builders: readonly string[]
  /** Waits for their ends. Default false. */
  readonly wait?: boolean
  readonly properties?: Readonly<Record<string, PropertyValue>>
  /** What differs from this build's own source. */
  readonly source?: Partial<SourceStamp>
  /** Default: this build's own. */
  readonly priority?: number
  /** Names the effect, as of `command`. */
  readonly key?: string
}

export interface TriggerOutcome {
  /** One per builder; `result` is null when it was not waited for. */
  readonly requests: readonly {
    readonly id: number
    readonly builder: string
    readonly result: Result | null
  }[]
}

export interface MasterShellRequest {
  /** A string runs through /bin/sh; an array runs as it is. */
  readonly command: string | readonly string[]
  readonly env?: Readonly<Record<string, string | Secret>>
  /** Time after which it is killed. Default 20 minutes, 0 is never. */
  readonly maxTime?: Duration
  /** It may run twice: a command that a killed master left without a result is run again. Default false. */
  readonly idempotent?: boolean
  /** Names the effect, as of `command`. */
  readonly key?: string
}

export interface HttpRequest {
  /** http or https. */
  readonly url: string
  /** Default 'GET'. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | Secret>>
  readonly body?: string | Secret
  /** Until the whole answer must be there. Default 30 s. */
  readonly timeout?: Duration
  /** Names the effect, as of `command`. */
  readonly key?: string
}

export interface HttpAnswer {
  /** null: there was no answer; `error` says why. */
  readonly status: number | null
  readonly headers: Readonly<Record<string, string>>
  /** As text. */
  readonly body: string
  /** The body had more than 1 MiB, the rest was left out. */
  readonly cut: boolean
  readonly error?: string
}

export interface BuildFacts {
  readonly id: number
  readonly requestId: number
  readonly attempt: number
  readonly builder: string
  readonly worker: string
  readonly reason: string
  readonly source: SourceStamp
}

/**
 * Makes a step of your own: `step('smoke', async (context) => { ... })`. Secrets that it uses should be among its options,
 * so that a missing one is told when the master starts.
 */
export function step(name: string, run: Step['run'], flags: StepFlags & Pick<Step, 'secrets'> = {}): Step {
  return Object.freeze({ kind: 'step', type: 'custom', name, run, ...flags })
}
