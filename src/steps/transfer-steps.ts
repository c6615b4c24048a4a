import { artifactNameProblem } from '../model/artifact-name.ts'
import { render, type Renderable } from '../model/properties.ts'
import { fileFailure, fileStep, type FileStepOptions } from './file-steps.ts'
import { textMistakes } from './options.ts'
import type { Step, StepFlags } from './step.ts'
import { mediaTypeOf } from './media-type.ts'

type Path = Renderable<string>

export interface UploadOptions extends StepFlags {
  /** The artifact's name, such as 'dist/app.tgz'; unique in its build. Default: the last part of the path. */
  readonly name?: Renderable<string>
  /** Its media type. Default: by the ending of its name. */
  readonly type?: string
}

/** Stores a file of the worker as an artifact of the build. */
export function uploadFile(path: Path, options: UploadOptions = {}): Step {
  return upload('uploadFile', path, options, (name) => name)
}

/** Stores a folder of the worker as an artifact of the build, packed as .tar.gz by the worker's `tar`. */
export function uploadDirectory(path: Path, options: UploadOptions = {}): Step {
  return upload('uploadDirectory', path, options, (name) => `${name}.tar.gz`)
}

export interface DownloadOptions extends FileStepOptions {
  /** Permissions of the file. Default 0o644. */
  readonly mode?: number
}

/** Copies a file of the master's machine to the worker. `from` is relative to the folder of master.config.ts. */
export function downloadFile(from: Path, path: Path, options: DownloadOptions = {}): Step {
  return fileStep('downloadFile', 'download', { from, path }, options, {
    mistakes: modeMistakes(options),
    optionNames: ['mode'],
    run: async (context, { from, path }) => {
      const outcome = await context.download({ from, path, ...modeOf(options) })
      return outcome.exitCode === 0 ? 'SUCCESS' : fileFailure(outcome)
    },
  })
}

/** Writes a text to a file on the worker. What the file held before is gone. */
export function writeFile(path: Path, content: Renderable<string>, options: DownloadOptions = {}): Step {
  return fileStep('writeFile', 'write', { path }, options, {
    mistakes: [
      ...(content === undefined ? ['content is missing'] : textMistakes({ content })),
      ...modeMistakes(options),
    ],
    optionNames: ['mode'],
    run: async (context, { path }) => {
      const text = render(content, context.properties)
      const outcome = await context.download({ content: text, path, ...modeOf(options) })
      return outcome.exitCode === 0 ? 'SUCCESS' : fileFailure(outcome)
    },
  })
}

function upload(
  kind: 'uploadFile' | 'uploadDirectory',
  path: Path,
  options: UploadOptions,
  named: (lastPart: string) => string,
): Step {
  const { name: artifact, type, ...flags } = options
  return fileStep(kind, 'upload', { path }, flags, {
    mistakes: [
      ...textMistakes({ name: artifact }),
      ...(typeof artifact === 'string' ? nameMistakes(artifact) : []),
      ...(type === undefined || isMediaType(type) ? [] : ["type: must be a media type such as 'text/html'"]),
    ],
    optionNames: ['type'],
    run: async (context, { path }) => {
      const name = artifact === undefined ? named(lastPartOf(path)) : render(artifact, context.properties)
      const folder = kind === 'uploadDirectory'
      const outcome = await context.upload({ path, folder, name, type: type ?? mediaTypeOf(name) })
      if (!outcome.artifact) return fileFailure(outcome)
      await context.note(
        `stored as artifact "${name}", ${outcome.artifact.size} bytes, sha256 ${outcome.artifact.sha256}`,
      )
      return { result: 'SUCCESS', summary: `${name}, ${bytesInWords(outcome.artifact.size)}` }
    },
  })
}

function lastPartOf(path: string): string {
  return path.split('/').findLast((part) => part !== '' && part !== '.') ?? path
}

function bytesInWords(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  const shown = bytes / 1024 ** step
  return `${step === 0 || shown >= 100 ? Math.round(shown) : shown.toFixed(1)} ${units[step]}`
}

function nameMistakes(name: string): string[] {
  const problem = artifactNameProblem(name)
  return problem === undefined ? [] : [`name: ${problem}`]
}

function modeMistakes({ mode = 0 }: DownloadOptions): string[] {
  return Number.isInteger(mode) && mode >= 0 && mode <= 0o777 ? [] : ['mode: must be 0 to 0o777']
}

function modeOf({ mode }: DownloadOptions): { mode?: number } {
  return mode === undefined ? {} : { mode }
}

function isMediaType(type: unknown): boolean {
  return (
    typeof type === 'string' && /^[\w.+-]+\/[\w.+-]+(; ?charset=[\w-]+)?$/.test(type) && type.length < 200
  )
}
