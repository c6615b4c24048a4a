import { normalize } from 'node:path'
import { entriesOf } from './entries-of.ts'
import type { Place } from './place.ts'

/** Two local workers in one folder would build in each other's workspaces. */
export function checkBaseDirs(config: Record<string, unknown>, root: Place): void {
  const seen = new Map<string, number>()
  for (const { index, value } of entriesOf(config.workers)) {
    if (value.kind !== 'local' || typeof value.baseDir !== 'string') continue
    const folder = normalize(`${value.baseDir}/`)
    const first = seen.get(folder)
    if (first === undefined) seen.set(folder, index)
    else root.key('workers').index(index).key('baseDir').error(`is the folder of workers[${first}] too`)
  }
}
