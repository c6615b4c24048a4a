import { delimiter } from 'node:path'

/**
 * The part of a process's environment that commands may see: no password, cloud key or `npm_*` of whoever started it.
 * PATH is always there.
 */
export function allowedEnvironment(
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const env: Record<string, string> = {}
  for (const name of allowedNames) {
    const value = own[name]
    if (value !== undefined) env[name] = value
  }
  env.PATH = cleanPath(own.PATH ?? '')
  return env
}

// npm puts folders of packages first, and a checkout runs on a Node.js of its own that lies in one: none is the machine's.
function cleanPath(path: string): string {
  const entries = path.split(delimiter).filter((entry) => entry && !entry.split('/').includes('node_modules'))
  return entries.join(delimiter) || defaultPath
}

/** The names that pass, PATH apart. */
export const allowedNames = ['HOME', 'USER', 'LANG', 'TMPDIR', 'TZ', 'SHELL']
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
