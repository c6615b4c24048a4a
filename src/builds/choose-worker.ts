/** A worker as the choice needs to see it. */
export interface Candidate {
  readonly name: string
  /** Whether its agent is connected and takes builds, now or after those it runs. */
  readonly inService: boolean
  /** Why it cannot take one more build; undefined when it can. */
  readonly obstacle: string | undefined
}

/**
 * The first free worker in the builder's order of preference; one that the request should avoid only when no other is in
 * service.
 */
export function chooseWorker<T extends Candidate>(
  candidates: readonly T[],
  avoid: string | undefined,
): T | undefined {
  return eligible(candidates, avoid).find((c) => c.obstacle === undefined)
}

/** All of them. */
export function freeWorkers<T extends Candidate>(
  candidates: readonly T[],
  avoid: string | undefined,
): readonly T[] {
  return eligible(candidates, avoid).filter((c) => c.obstacle === undefined)
}

export interface WaitFacts {
  readonly avoid?: string | undefined
  /** Milliseconds. */
  readonly backsOffFor: number
  /** Among the requests of its builder, 1 is next. */
  readonly position: number
  /** What holds it up although a worker is free: a lock, or a function of its builder. */
  readonly heldUp?: string | undefined
  /** What is done to get it an instance. */
  readonly started?: string | undefined
}

/** Why a request waits, in one sentence. */
export function whyItWaits(
  candidates: readonly Candidate[],
  { avoid, backsOffFor, heldUp, position, started }: WaitFacts,
): string {
  if (backsOffFor > 0) return `waits ${Math.ceil(backsOffFor / 1000)} s before the next attempt`
  if (chooseWorker(candidates, avoid)) {
    if (heldUp !== undefined) return heldUp
    return position > 1 ? `${position - 1} requests of its builder come first` : 'starts now'
  }
  if (started !== undefined) return started
  if (candidates.length === 0) return 'waits for ever: its builder has no worker in the config'
  const able = new Set(eligible(candidates, avoid))
  const because = (c: Candidate) =>
    able.has(c) ? c.obstacle : 'failed it and is used only when no other is there'
  const shown = candidates.slice(0, 3).map((c) => `${c.name} ${because(c)}`)
  if (candidates.length > 3) shown.push(`${candidates.length - 3} more are not free either`)
  return `waits for a worker: ${shown.join('; ')}`
}

function eligible<T extends Candidate>(candidates: readonly T[], avoid: string | undefined): readonly T[] {
  return candidates.some((c) => c.name !== avoid && c.inService)
    ? candidates.filter((c) => c.name !== avoid)
    : candidates
}
