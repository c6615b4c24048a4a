import { lstat, readdir } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
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
    const walk: Walk = { found, seen, signal, root: workspace }
    operationPath(workspace, plain)
    const parts = plain.split('/').filter((part) => part !== '' && part !== '.')
    if (!(await matchParts(walk, isAbsolute(plain) ? '/' : '', parts))) break
  }
  return found
}

interface Walk {
  readonly root: string
  readonly found: BoundedList
  readonly seen: Set<string>
  readonly signal: AbortSignal
}

// Both give false as soon as the list is full.
async function matchParts(walk: Walk, folder: string, parts: readonly string[]): Promise<boolean> {
  walk.signal.throwIfAborted()
  const [part, ...rest] = parts
  if (part === undefined) return addFound(walk, folder)
  if (part === '**') return matchAnyFolders(walk, folder, rest)
  if (!/[*?[]/.test(part)) {
    const path = join(folder, part)
    return (await exists(join(walk.root, path), folder)) ? matchParts(walk, path, rest) : true
  }
  const expression = expressionOf(part)
  for (const entry of await entriesOf(walk, folder)) {
    if (!expression.test(entry.name) || (rest.length > 0 && !entry.isDirectory() && !entry.isSymbolicLink())) continue
    if (!(await matchParts(walk, join(folder, entry.name), rest))) return false
  }
  return true
}
