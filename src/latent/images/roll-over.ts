import type { PlannedInstance } from '../plan.ts'

interface Rolling {
  readonly isOutdated: (id: string) => boolean
  /** Starts of the newer image have failed. */
  readonly fails: boolean
}

/**
 * Which instance of a worker makes way for one of its new image: one at a time, so that the others go on building. An idle one first;
 * one with builds finishes them. Pure.
 */
export function nextToReplace(
  instances: readonly Pick<PlannedInstance, 'id' | 'phase' | 'places'>[],
  { fails, isOutdated }: Rolling,
): string | undefined {
  if (instances.some(({ phase }) => phase === 'ending' || phase === 'starting')) return undefined
  const live = instances.filter(({ phase }) => phase === 'live')
  const outdated = live.filter(({ id }) => isOutdated(id))
  // A new one that does not come up leaves the old ones as they are.
  if (fails && outdated.length === live.length) return undefined
  return (outdated.find(({ places }) => places === 0) ?? outdated[0])?.id
}
