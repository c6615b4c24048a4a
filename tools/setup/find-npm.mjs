import { existsSync, realpathSync } from 'node:fs'
import { basename, delimiter, join } from 'node:path'
import { SetupError } from './setup-error.mjs'
import { userEnvironment } from './user-environment.mjs'

/**
 * How to start npm on the given Node: the npm that started us, else the one on PATH. (An npm on PATH would by itself run
 * on the machine's older Node and judge packages by that version.)
 */
export function findNpm(node) {
  const outer = process.env.npm_execpath
  if (outer && basename(outer) === 'npm-cli.js' && existsSync(outer)) return { command: node, args: [outer] }
  const found = (userEnvironment().PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'npm'))
    .find((file) => existsSync(file))
  if (!found)
    throw new SetupError('npm is needed and not on PATH. It comes with Node.js: https://nodejs.org.')
  const script = realpathSync(found)
  return script.endsWith('.js') ? { command: node, args: [script] } : { command: found, args: [] }
}
