import type { PlannedInstance } from '../plan.ts'

/**
 * Which instance of a worker makes way for one of its new image: one at a time, so that the others go on building. An idle one first;
 * one with builds finishes them. Pure.
 */
export function nextToReplace(
  instances: readonly Pick<PlannedInstance, 'id' | 'phase' | 'places'>[],
  isOutdated: (id: string) => boolean,
): string | undefined {
  // A new one that does not come up leaves the old ones as they are.
  if (instances.some(({ phase }) => phase === 'ending' || phase === 'starting')) return undefined
  const outdated = instances.filter(({ id, phase }) => phase === 'live' && isOutdated(id))
  return (outdated.find(({ places }) => places === 0) ?? outdated[0])?.id
}
