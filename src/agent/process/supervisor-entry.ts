import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What Node.js runs as the supervisor's process. In the bundle this is the bundle itself: tools/build-agent.mjs replaces it. */
export const supervisorEntry: readonly string[] = [
  fileURLToPath(new URL(`./supervisor-main${extname(import.meta.url)}`, import.meta.url)),
]

/** First argument of the bundle when it is to be the supervisor. */
export const superviseWord = 'supervise'
