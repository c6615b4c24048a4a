import { entriesOf, namesOf } from './entries-of.ts'
import { hintFor } from './hint-for.ts'
import { isPlainObject } from './is-plain-object.ts'
import type { Place } from './place.ts'
import { show } from './show.ts'

/** Workers name images that exist, each by workers of one backend. */
export function checkImageUse(config: Record<string, unknown>, root: Place): void {
  const known = namesOf(config.images)
  const users = new Map<string, { worker: string; backend: unknown }>()
  for (const { index, name = 'this worker', value } of entriesOf(config.workers)) {
    const place = root.key('workers').index(index)
    const used = isPlainObject(value.image) ? value.image.name : undefined
    if (typeof used !== 'string') continue
    if (!known.includes(used)) {
      const hint = known.length > 0 ? hintFor(used, known, 'images') : '; put it into `images` of the config'
      place.key('image').say(`worker ${show(name)} names image ${show(used)}${hint}`)
      continue
    }
    const backend = isPlainObject(value.backend) ? value.backend.key : undefined
    const first = users.get(used)
    users.set(used, first ?? { worker: name, backend })
    if (first && first.backend !== backend)
      place
        .key('image')
        .say(
          `image ${show(used)} is used by worker ${show(first.worker)} on ${String(first.backend)}; it needs another one on ${String(backend)}`,
        )
  }
  for (const { index, name } of entriesOf(config.images))
    if (name !== undefined && !users.has(name))
      root
        .key('images')
        .index(index)
        .warn(`no worker uses image ${show(name)}: it is not built`)
}
