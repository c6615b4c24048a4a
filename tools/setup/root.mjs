import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
/** What set-up remembers: its lock, and of what the built parts were built. Git ignores it. */
export const stateDir = join(root, '.rouse')
