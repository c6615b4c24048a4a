import { isAbsolute, normalize } from 'node:path'
import { logNamePattern, maxLogFiles } from '../model/log-files.ts'
import type { Renderable } from '../model/properties.ts'
import { textMistakes } from './options.ts'

/** Names of logs, and the files that they follow, relative to the command's workdir. */
export type LogFiles = Readonly<Record<string, Renderable<string>>>

/** What is wrong with them. What properties make of a path is seen by the agent. */
export function logFilesMistakes(logFiles: LogFiles | undefined): string[] {
  if (logFiles === undefined) return []
  if (typeof logFiles !== 'object' || logFiles === null || Array.isArray(logFiles))
    return [`logFiles: must be an object of names and paths, got ${JSON.stringify(logFiles)}`]
  const entries = Object.entries(logFiles)
  return [
    ...(entries.length > maxLogFiles
      ? [`logFiles: ${entries.length} are too many, the limit is ${maxLogFiles}`]
      : []),
    ...entries.flatMap(([name, path]) => [...nameMistakes(name), ...pathMistakes(name, path)]),
  ]
}

function nameMistakes(name: string): string[] {
  if (new RegExp(logNamePattern).test(name)) return []
  if (/^stdio(-\d+)?$/.test(name)) return [`logFiles: "${name}" is the log of what the command prints`]
  return [
    `logFiles: ${JSON.stringify(name)} is no name of a log: 1 to 100 characters, none of them a control character`,
  ]
}

function pathMistakes(name: string, path: Renderable<string>): string[] {
  const option = `logFiles.${name}`
  if (typeof path !== 'string') return textMistakes({ [option]: path ?? null })
  if (path === '') return [`${option}: the path is empty`]
  if (isAbsolute(path))
    return [`${option}: must be relative to the command's workdir, got ${JSON.stringify(path)}`]
  return normalize(path).endsWith('/') || normalize(path) === '.'
    ? [`${option}: must be a file, not a folder`]
    : []
}
