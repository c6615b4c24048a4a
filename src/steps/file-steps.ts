import { render, type Renderable } from '../model/properties.ts'
import type { Result } from '../model/results.ts'
import { flagsOf, textMistakes, unknownOptions } from './options.ts'
import type { CommandOutcome, CommandRequest, Step, StepContext, StepFlags, StepOutcome } from './step.ts'

export interface FileStepOptions extends StepFlags {
  /** Default: what it does, and the path. */
  readonly name?: string
}

type Path = Renderable<string>

/** Makes a folder on the worker, and those above it. One that is there is fine. Paths are relative to the workspace. */
export function makeDir(path: Path, options: FileStepOptions = {}): Step {
  return fileStep('makeDir', 'make', { path }, options, {
    run: (context, { path }) => perform(context, { op: 'mkdir', path }),
  })
}

/** Removes a folder of the worker and all in it. One that is not there is fine. */
export function removeDir(path: Path, options: FileStepOptions = {}): Step {
  return fileStep('removeDir', 'remove', { path }, options, {
    run: (context, { path }) => perform(context, { op: 'rmdir', path }),
  })
}

/** Copies a folder of the worker and all in it. */
export function copyDir(from: Path, to: Path, options: FileStepOptions = {}): Step {
  return fileStep('copyDir', 'copy', { from, to }, options, {
    run: (context, { from, to }) => perform(context, { op: 'cpdir', from, to }),
  })
}

/** Removes a file of the worker; fails when there is none. */
export function removeFile(path: Path, options: FileStepOptions = {}): Step {
  return fileStep('removeFile', 'remove', { path }, options, {
    run: (context, { path }) => perform(context, { op: 'rmfile', path }),
  })
}

/** Fails when there is no such file on the worker, or it is something else than a file. */
export function fileExists(path: Path, options: FileStepOptions = {}): Step {
  return fileStep('fileExists', 'find', { path }, options, {
    run: async (context, { path }) => {
      const outcome = await context.command({ op: 'stat', path })
      if (outcome.exitCode !== 0) return fileFailure(outcome)
      const isFile = (outcome.data as { type?: unknown } | undefined)?.type === 'file'
      return isFile ? 'SUCCESS' : { result: 'FAILURE', summary: 'it is not a file' }
    },
  })
}

/** A step that does something with paths, which it renders and checks. */
export function fileStep<T extends Readonly<Record<string, Path>>>(
  type: string,
  verb: string,
  paths: T,
  options: FileStepOptions,
  o: {
    run: (context: StepContext, rendered: { [K in keyof T]: string }) => Promise<StepOutcome | Result>
    mistakes?: readonly string[]
    /** Options of its own. */
    optionNames?: readonly string[]
  },
): Step {
  const plain = Object.values(paths).filter((path) => typeof path === 'string')
  return Object.freeze<Step>({
    kind: 'step',
    type,
    name: options.name ?? [verb, ...plain].join(' ').slice(0, 60),
    ...flagsOf(options),
    mistakes: [
      ...missingMistakes(paths),
      ...textMistakes(paths),
      ...(o.mistakes ?? []),
      ...unknownOptions(options, ['name', ...(o.optionNames ?? [])]),
    ],
    run: (context) =>
      o.run(context, render<unknown>(paths, context.properties) as { [K in keyof T]: string }),
  })
}

async function perform(context: StepContext, request: CommandRequest): Promise<StepOutcome | Result> {
  const outcome = await context.command(request)
  return outcome.exitCode === 0 ? 'SUCCESS' : fileFailure(outcome)
}

function missingMistakes(paths: Readonly<Record<string, unknown>>): string[] {
  const missing = Object.entries(paths).filter(([, path]) => path === undefined || path === '')
  return missing.map(([name]) => `${name} is missing`)
}

/** What an operation on files that did not succeed means. */
export function fileFailure({ message, reason }: CommandOutcome): StepOutcome {
  return {
    result: reason === 'cancelled' ? 'CANCELLED' : 'FAILURE',
    summary: message ?? reason ?? 'it failed',
  }
}
