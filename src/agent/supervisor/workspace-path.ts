import { isAbsolute, relative, resolve, sep } from 'node:path'

/** The folder of a workspace, `<base dir>/<workspace>`. Throws an Error when it would not be inside the base dir. */
export function workspaceFolder(baseDir: string, workspace: string): string {
  const folder = resolve(baseDir, workspace)
  const [first = ''] = relative(baseDir, folder).split(sep)
  if (isAbsolute(workspace) || workspace.includes('\0') || ['', '..', ownFolder].includes(first))
    throw new Error(`${JSON.stringify(workspace)} is not a workspace below the base dir`)
  return folder
}

/** A path of an operation: a relative one must stay within the workspace, an absolute one is taken as it is. */
export function operationPath(workspace: string, path: string): string {
  if (path.includes('\0')) throw new Error('a path cannot hold a NUL byte')
  const full = resolve(workspace, path)
  if (!isAbsolute(path) && relative(workspace, full).split(sep)[0] === '..')
    throw new Error(
      `${JSON.stringify(path)} leads out of the workspace; if that is meant, name it as an absolute path`,
    )
  return full
}

/** What the agent keeps for itself below its base dir. */
export const ownFolder = '.rouse'
