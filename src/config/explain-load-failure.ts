import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf, RouseError } from '../model/errors.ts'
import { syntaxErrorLine } from './syntax-error-line.ts'

export interface LoadFailureContext {
  /** The file that was asked for. */
  readonly file: string
  /** The file that Node read last: a syntax error without a place is in there. */
  readonly compiling: string
  /** Whether the user wrote the file of this URL: not Node, not a dependency, not us. */
  readonly isUserFile: (url: string) => boolean
  /** Paths are shown from here. */
  readonly cwd: string
}

/** ROUSE_CONFIG_NOT_LOADED for what the user's file threw, with the file and line to look at. */
export async function explainLoadFailure(error: unknown, context: LoadFailureContext): Promise<RouseError> {
  const { path, line } = (await placeOf(error, context)) ?? { path: context.file }
  const fromHere = relative(context.cwd, path)
  const shown = fromHere.startsWith('..') ? path : fromHere
  const [message] = messageOf(error).split('\n', 1)
  const advice = adviceFor(error, shown)
  return new RouseError('ROUSE_CONFIG_NOT_LOADED', `${shown}${line ? `:${line}` : ''}: ${message}`, {
    cause: error,
    ...(advice && { advice }),
  })
}

interface Place {
  readonly path: string
  readonly line: number | undefined
}

async function placeOf(
  error: unknown,
  { compiling, isUserFile }: LoadFailureContext,
): Promise<Place | undefined> {
  if (!(error instanceof Error)) return undefined
  const place = headPlace(error) ?? callPlace(error, isUserFile) ?? importPlace(error)
  if (place || !(error instanceof SyntaxError)) return place
  return { path: compiling, line: await syntaxErrorLine(compiling) }
}

/** Node puts `file:line` above most syntax errors. */
function headPlace(error: Error): Place | undefined {
  const [, path, line] = /^(.+):(\d+)\n/.exec(error.stack ?? '') ?? []
  return path ? { path: pathOf(path), line: Number(line) } : undefined
}

/** The newest call that was made in a file of the user's. */
function callPlace(error: Error, isUserFile: (url: string) => boolean): Place | undefined {
  for (const [, url, line] of (error.stack ?? '').matchAll(/(file:\/\/.+?):(\d+):\d+\)?$/gm)) {
    if (isUserFile(url!)) return { path: pathOf(url!), line: Number(line) }
  }
  return undefined
}

/** For a module that was not found: the line of the importing file that names it. */
function importPlace(error: Error): Place | undefined {
  const [, missing, path] = /^Cannot find \w+ '(.+?)' imported from (.+)$/m.exec(error.message) ?? []
  if (!missing || !path || !existsSync(path)) return undefined
  const lines = readFileSync(path, 'utf8').split('\n')
  const line = lines.findIndex((text) => /['"]/.test(text) && text.includes(missing.split('/').at(-1)!)) + 1
  return { path, line: line || undefined }
}

function adviceFor(error: unknown, shown: string): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return 'Node runs TypeScript by removing its types: use no enum, namespace or parameter property here.'
  }
  const [, missing] = /^Cannot find package '(.+?)'/.exec(messageOf(error)) ?? []
  if (missing) return `Run \`npm install ${missing}\` in the folder of ${shown}.`
  return error instanceof RouseError ? error.advice : undefined
}

function pathOf(urlOrPath: string): string {
  return urlOrPath.startsWith('file:') ? fileURLToPath(urlOrPath) : urlOrPath
}
