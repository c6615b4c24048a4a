/** What people have decided about a worker: it outlives sessions and masters. */
export interface Admin {
  /** Paused and draining workers get no new builds and finish those they run. */
  readonly state: 'active' | 'paused' | 'draining'
  readonly reason: string | null
  /** Who asked for it, as far as is known. */
  readonly by: string | null
  /** When the worker becomes active again by itself; null is never. */
  readonly until: Date | null
}

export const active: Admin = { state: 'active', reason: null, by: null, until: null }

/** Why an admin state keeps builds away: 'is paused by ana until 2026-01-02T03:04:05.000Z: disk full'. */
export function adminObstacle({ by, reason, state, until }: Admin, runs: number): string | undefined {
  if (state === 'active') return undefined
  const words = [state === 'paused' ? 'is paused' : runs > 0 ? 'is being drained' : 'is drained']
  if (by) words.push(`by ${by}`)
  if (until) words.push(`until ${until.toISOString()}`)
  return words.join(' ') + (reason ? `: ${reason}` : '')
}
