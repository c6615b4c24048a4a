import { render, type Renderable } from '../model/properties.ts'
import type { Operation } from '../protocol/operation.ts'
import { flagsOf, textMistakes, unknownOptions } from './options.ts'
import type { CommandOutcome, Step, StepFlags, StepOutcome } from './step.ts'

export interface FileStepOptions extends StepFlags {
  /** Default: what it does, and the path. */
  readonly name?: string
}

type Path = Renderable<string>

/** Makes a folder on the worker, and those above it. One that is there is fine. Paths are relative to the workspace. */
export function makeDir(path: Path, options: FileStepOptions = {}): Step {
  return fileStep('makeDir', 'make', { path }, options, ({ path }) => ({ op: 'mkdir', path }))
}

/** Removes a folder of the worker and all in it. One that is not there is fine. */
export function removeDir(path: Path, options: FileStepOptions = {}): Step {
  return fileStep('removeDir', 'remove', { path }, options, ({ path }) => ({ op: 'rmdir', path }))
}

/** Copies a folder of the worker and all in it. */
export function copyDir(from: Path, to: Path, options: FileStepOptions = {}): Step {
  return fileStep('copyDir', 'copy', { from, to }, options, ({ from, to }) => ({ op: 'cpdir', from, to }))
}

/** Removes a file of the worker; fails when there is none. */
export function removeFile(path: Path, options: FileStepOptions = {}): Step {
  return fileStep('removeFile', 'remove', { path }, options, ({ path }) => ({ op: 'rmfile', path }))
}

/** Fails when there is no such file on the worker, or it is something else than a file. */
export function fileExists(path: Path, options: FileStepOptions = {}): Step {
  const isFile = ({ data }: CommandOutcome): StepOutcome =>
    (data as { type?: unknown } | undefined)?.type === 'file'
      ? { result: 'SUCCESS' }
      : { result: 'FAILURE', summary: 'it is not a file' }
  return fileStep('fileExists', 'find', { path }, options, ({ path }) => ({ op: 'stat', path }), isFile)
}

function fileStep<T extends Readonly<Record<string, Path>>>(
  type: string,
  verb: string,
  paths: T,
  options: FileStepOptions,
  operation: (rendered: { [K in keyof T]: string }) => Exclude<Operation, { op: 'shell' }>,
  judge: (outcome: CommandOutcome) => StepOutcome = () => ({ result: 'SUCCESS' }),
): Step {
  const plain = Object.values(paths).filter((path) => typeof path === 'string')
  return Object.freeze<Step>({
    kind: 'step',
    type,
    name: options.name ?? [verb, ...plain].join(' ').slice(0, 60),
    ...flagsOf(options),
    mistakes: [...missingMistakes(paths), ...textMistakes(paths), ...unknownOptions(options, ['name'])],
    run: async (context) => {
      const rendered = render<unknown>(paths, context.properties) as { [K in keyof T]: string }
      const outcome = await context.command(operation(rendered))
      return outcome.exitCode === 0 ? judge(outcome) : fileFailure(outcome)
    },
  })
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
