import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { BoundedList } from './bounded-list.ts'
import { operationPath } from './workspace-path.ts'

/**
 * Paths that match a pattern: `*`, `?`, `[a-z]`, `{a,b}` within a name, `**` for any folders. Names that begin with a dot
 * are matched only by a dot; `**` does not follow symbolic links. A relative pattern is matched in the workspace and
 * gives relative paths, an absolute one absolute paths.
 */
export async function glob(workspace: string, pattern: string, signal: AbortSignal): Promise<BoundedList> {
  const found = new BoundedList()
  const seen = new Set<string>()
  for (const plain of expandBraces(pattern)) {
    operationPath(workspace, plain)
    const start = isAbsolute(plain) ? '/' : ''
    for await (const path of matches({ root: workspace, signal }, start, partsOf(plain))) {
      if (seen.has(path)) continue
      seen.add(path)
      if (!found.add(path)) return found
    }
  }
  return found
}

interface Walk {
  readonly root: string
  readonly signal: AbortSignal
}

async function* matches(walk: Walk, folder: string, parts: readonly string[]): AsyncGenerator<string> {
  walk.signal.throwIfAborted()
  const [part, ...rest] = parts
  if (part === undefined) {
    if (folder !== '') yield folder
  } else if (part === '**') {
    yield* matches(walk, folder, rest.length > 0 ? rest : ['*'])
    for (const entry of await entriesOf(walk, folder)) {
      if (entry.isDirectory() && !entry.name.startsWith('.'))
        yield* matches(walk, join(folder, entry.name), parts)
    }
  } else if (/[*?[]/.test(part)) {
    const expression = expressionOf(part)
    for (const entry of await entriesOf(walk, folder)) {
      if (expression.test(entry.name)) yield* matches(walk, join(folder, entry.name), rest)
    }
  } else if (await exists(resolve(walk.root, folder, part))) {
    yield* matches(walk, join(folder, part), rest)
  }
}

// What is not a folder, or may not be read, holds nothing.
async function entriesOf({ root }: Walk, folder: string): Promise<Dirent[]> {
  return readdir(resolve(root, folder), { withFileTypes: true }).catch(() => [])
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

function partsOf(pattern: string): string[] {
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.')
  return parts.filter((part, i) => part !== '**' || parts[i - 1] !== '**')
}

function expandBraces(pattern: string): string[] {
  const braces = /\{([^{}]*,[^{}]*)\}/.exec(pattern)
  if (!braces) return [pattern]
  const before = pattern.slice(0, braces.index)
  const after = pattern.slice(braces.index + braces[0].length)
  const expanded = braces[1]!.split(',').flatMap((choice) => expandBraces(before + choice + after))
  if (expanded.length > maxExpanded) throw new Error('the pattern has too many choices in braces')
  return expanded
}

function expressionOf(part: string): RegExp {
  const source = part.replace(
    /\*+|\?|\[(!?)([^\]]+)\]|[\\^$.|+(){}[\]]/g,
    (token, not: string, set: string) => {
      if (token.startsWith('*')) return '.*'
      if (token === '?') return '.'
      return set === undefined ? `\\${token}` : `[${not && '^'}${set.replace(/[\\^[]/g, '\\$&')}]`
    },
  )
  return new RegExp(`^${part.startsWith('.') ? '' : '(?!\\.)'}${source}$`, 's')
}

const maxExpanded = 1000
