import type { PlannedInstance } from '../plan.ts'

type Rolled = Pick<PlannedInstance, 'id' | 'phase' | 'places'>

interface Rolling {
  readonly isOutdated: (id: string) => boolean
  /** Starts of the newer image have failed. */
  readonly fails: boolean
}

/**
 * Which instance of a worker makes way for one of its new image: one at a time, so that the others go on building. One that is parked first, then an idle one;
 * one with builds finishes them. Pure.
 */
export function nextToReplace(
  instances: readonly Rolled[],
  { fails, isOutdated }: Rolling,
): string | undefined {
  if (instances.some(({ phase }) => phase === 'ending' || phase === 'starting')) return undefined
  const live = instances.filter(({ phase }) => phase === 'live' || phase === 'parked')
  const outdated = live.filter(({ id }) => isOutdated(id))
  // A new one that does not come up leaves the old ones as they are.
  if (fails && outdated.length === live.length) return undefined
  const byUse = [({ phase }: Rolled) => phase === 'parked', ({ places }: Rolled) => places === 0, () => true]
  return byUse.flatMap((isSo) => outdated.find(isSo) ?? [])[0]?.id
}
