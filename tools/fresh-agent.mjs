// Builds the agent of this checkout unless it is what its sources say. A master that was not started by `npm start` runs it.
import { buildParts } from './setup/build-parts.mjs'

await buildParts(process.execPath, ['agent'])
