import type { LockMode } from '../model/lock.ts'

/** What somebody wants of one lock. */
export interface Need {
  /** Which lock: a worker lock is another one on each worker. */
  readonly lock: string
  /** For people. */
  readonly name: string
  readonly maxCount: number
  readonly mode: LockMode
  readonly count: number
}

/** Needs to be met all at once; each list is one way to do it. */
type Alternatives = readonly (readonly Need[])[]

interface Waiter {
  readonly owner: string
  alternatives: Alternatives
  /** It could use its locks now. The others let it go first only then. */
  present: boolean
}

/**
 * Who holds which locks and who waits for them, first come first served. An owner gets all its locks at once or none, so that
 * owners who hold nothing yet cannot block each other for ever. Whoever comes later takes a lock only where everybody in
 * front still finds enough of it: nobody starves.
 */
export class LockTable {
  /** By lock, then owner. */
  readonly #held = new Map<string, Map<string, Need>>()
  readonly #holdings = new Map<string, readonly Need[]>()
  #line: Waiter[] = []

  get someoneWaits(): boolean {
    return this.#line.length > 0
  }

  holds(owner: string): boolean {
    return this.#holdings.has(owner)
  }

  waits(owner: string): boolean {
    return this.#line.some((waiter) => waiter.owner === owner)
  }

  /** Takes the first alternative that can be had now and returns its index; else the owner waits in line. */
  take(owner: string, alternatives: Alternatives): number | undefined {
    let place = this.#line.findIndex((waiter) => waiter.owner === owner)
    if (place < 0) place = this.#line.push({ owner, alternatives, present: true }) - 1
    else Object.assign(this.#line[place]!, { alternatives, present: true })
    const ahead = this.#line.slice(0, place).filter((waiter) => waiter.present)
    const index = alternatives.findIndex((needs) =>
      merged(needs).every((need) => fits(need, this.#claims(need.lock, ahead))),
    )
    if (index < 0) return undefined
    this.leave(owner)
    this.hold(owner, alternatives[index]!)
    return index
  }

  /** Takes these without asking: they were held before the master was started again. */
  hold(owner: string, needs: readonly Need[]): void {
    this.release(owner)
    this.#holdings.set(owner, merged(needs))
    for (const need of merged(needs)) {
      let holders = this.#held.get(need.lock)
      if (!holders) this.#held.set(need.lock, (holders = new Map<string, Need>()))
      holders.set(owner, need)
    }
  }

  release(owner: string): void {
    for (const { lock } of this.#holdings.get(owner) ?? []) {
      const holders = this.#held.get(lock)!
      holders.delete(owner)
      if (holders.size === 0) this.#held.delete(lock)
    }
    this.#holdings.delete(owner)
  }

  /** The owner does not want its locks any more. */
  leave(owner: string): void {
    this.#line = this.#line.filter((waiter) => waiter.owner !== owner)
  }

  /** Those who could not use their locks now let the others go first meanwhile, and keep their places in line. */
  letPass(isPresent: (owner: string) => boolean): void {
    for (const waiter of this.#line) waiter.present = isPresent(waiter.owner)
  }

  /** Which lock a waiting owner lacks, and who holds it or comes first. */
  obstacle(owner: string): { name: string; holders: string[]; ahead: string[] } | undefined {
    const place = this.#line.findIndex((waiter) => waiter.owner === owner)
    const ahead = this.#line.slice(0, Math.max(0, place)).filter((waiter) => waiter.present)
    const needs = merged(this.#line[place]?.alternatives[0] ?? [])
    const missing = needs.find((need) => !fits(need, this.#claims(need.lock, ahead)))
    if (!missing) return undefined
    const holders = [...(this.#held.get(missing.lock)?.keys() ?? [])]
    const first = ahead.filter((waiter) => wantedBy(waiter, missing.lock).length > 0)
    return { name: missing.name, holders, ahead: first.map((waiter) => waiter.owner) }
  }

  /** What is held of a lock, and what is kept for those ahead in line. */
  #claims(lock: string, ahead: readonly Waiter[]): Need[] {
    const held = this.#held.get(lock)?.values() ?? []
    return [...held, ...ahead.flatMap((waiter) => wantedBy(waiter, lock))]
  }
}

function fits(need: Need, claims: readonly Need[]): boolean {
  if (claims.length === 0) return true
  if (need.mode === 'exclusive' || claims.some((claim) => claim.mode === 'exclusive')) return false
  return claims.reduce((sum, claim) => sum + claim.count, need.count) <= need.maxCount
}

/** The most that a waiter may come to want of one lock. */
function wantedBy({ alternatives }: Waiter, lock: string): Need[] {
  return merged(alternatives.flat().filter((need) => need.lock === lock))
}

/** At most one need per lock: the stronger one. */
function merged(needs: readonly Need[]): Need[] {
  const byLock = new Map<string, Need>()
  for (const need of needs) {
    const other = byLock.get(need.lock) ?? need
    const mode = other.mode === 'exclusive' ? other.mode : need.mode
    byLock.set(need.lock, { ...need, mode, count: Math.max(need.count, other.count) })
  }
  return [...byLock.values()]
}
