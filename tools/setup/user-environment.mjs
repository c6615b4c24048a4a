import { delimiter, dirname, join, sep } from 'node:path'
import { root } from './root.mjs'

/**
 * The environment as the user's shell has it: without the folders that `npm run` puts first on PATH, so that a build
 * started by the master sees the machine's own programs.
 */
export function userEnvironment(env = process.env) {
  const path = (env.PATH ?? '').split(delimiter).filter((entry) => !isFromNpm(entry))
  return { ...env, PATH: path.join(delimiter) }
}

/** For npm itself: also without what an outer `npm run` tells its scripts, which an inner npm would obey. */
export function installEnvironment(node, env = process.env) {
  const clean = Object.fromEntries(
    Object.entries(userEnvironment(env)).filter(([name]) => !isLifecycle(name)),
  )
  return { ...clean, PATH: [dirname(node), clean.PATH].join(delimiter) }
}

function isFromNpm(entry) {
  return ownBinFolders.has(entry) || entry.endsWith(join(sep, 'node-gyp-bin'))
}

function isLifecycle(name) {
  return /^npm_(package|lifecycle|command|execpath|node_execpath|config_(local_prefix|global|prefix))/i.test(
    name,
  )
}

const ownBinFolders = new Set()
for (let folder = root; ; folder = dirname(folder)) {
  ownBinFolders.add(join(folder, 'node_modules', '.bin'))
  if (folder === dirname(folder)) break
}
