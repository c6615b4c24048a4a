/** A worker as the choice needs to see it. */
export interface Candidate {
  readonly name: string
  /** Why it cannot take one more build; undefined when it can. */
  readonly obstacle: string | undefined
}

/**
 * The first free worker in the builder's order of preference; one that the request should avoid only when no other is
 * configured that could ever take it.
 */
export function chooseWorker<T extends Candidate>(
  candidates: readonly T[],
  avoid: string | undefined,
): T | undefined {
  const others = candidates.filter((c) => c.name !== avoid)
  return (others.length > 0 ? others : candidates).find((c) => c.obstacle === undefined)
}

/** Why a request waits, in one sentence. */
export function whyItWaits(
  candidates: readonly Candidate[],
  { position, backsOffFor }: { position: number; backsOffFor: number },
): string {
  if (backsOffFor > 0) return `waits ${Math.ceil(backsOffFor / 1000)} s before the next attempt`
  if (candidates.length === 0) return 'waits for ever: its builder has no worker in the config'
  if (candidates.some((c) => c.obstacle === undefined)) {
    return position > 1 ? `${position - 1} requests of its builder come first` : 'starts now'
  }
  const shown = candidates.slice(0, 3).map((c) => `${c.name} ${c.obstacle}`)
  if (candidates.length > 3) shown.push(`${candidates.length - 3} more are not free either`)
  return `waits for a worker: ${shown.join('; ')}`
}
