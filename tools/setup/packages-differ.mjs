import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Whether node_modules of `folder` is missing, incomplete or of another package-lock.json. npm writes its own copy of the lock into
 * node_modules as the last thing it does, so that an interrupted installation has none.
 */
export function packagesDiffer(folder) {
  const installedLock = join(folder, 'node_modules', '.package-lock.json')
  if (!existsSync(installedLock)) return true
  const installed = readPackages(installedLock)
  const wanted = readPackages(join(folder, 'package-lock.json'))
  const missing = Object.keys(wanted).some((path) => path && !installed[path] && isNeeded(wanted[path]))
  const other = Object.keys(installed).some((path) => installed[path].version !== wanted[path]?.version)
  return missing || other
}

// An optional package is there only where it is made for the platform; which libc this is would be slow to find out.
function isNeeded({ optional, devOptional, os, cpu, libc }) {
  if (!optional && !devOptional) return true
  return !libc && Boolean(os?.includes(process.platform) && cpu?.includes(process.arch))
}

function readPackages(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages
}
