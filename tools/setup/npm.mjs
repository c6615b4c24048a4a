import { findNpm } from './find-npm.mjs'
import { phase } from './phase.mjs'
import { installEnvironment } from './user-environment.mjs'

/** Runs npm on the given Node.js: `ci`, or other arguments. */
export function npm(title, { node, cwd, args = ['ci'], advice }) {
  const found = findNpm(node)
  return phase(title, {
    command: found.command,
    args: [...found.args, ...args, ...always],
    cwd,
    env: installEnvironment(node),
    advice,
  })
}

// No package's install script is needed, and npm 12 blocks them. The rest is said because settings of the user, NODE_ENV or
// `npm run --silent` would change it.
const always = [
  '--ignore-scripts',
  '--include=dev',
  '--include=optional',
  '--no-audit',
  '--no-fund',
  '--loglevel=notice',
  // A connection that hangs is given up after a minute, not after five.
  '--fetch-timeout=60000',
  '--fetch-retries=4',
]
