import { entriesOf, type Entry } from './entries-of.ts'
import type { Place } from './place.ts'
import { show } from './show.ts'

/** No two workers, builders, schedulers or reporters may have one name; on some file systems case makes no difference. */
export function checkNames(config: Record<string, unknown>, root: Place): void {
  for (const list of ['workers', 'builders', 'schedulers', 'reporters']) {
    const seen = new Map<string, Entry>()
    for (const entry of entriesOf(config[list])) {
      const { name, index } = entry
      if (name === undefined) continue
      const place = root.key(list).index(index).key('name')
      const first = seen.get(name.toLowerCase())
      if (!first) seen.set(name.toLowerCase(), entry)
      else if (first.name === name) place.error(`${show(name)} is taken by ${list}[${first.index}]`)
      else place.warn(`${show(name)} and ${show(first.name)} share a folder where case makes no difference`)
    }
  }
}
