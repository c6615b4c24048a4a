/**
 * What was made for instances of which nothing else is seen. It is removed only by a second sweep, since another master may
 * begin an instance between the moment at which its rows are read and the one at which a provider is asked.
 */
export class Leftovers {
  readonly #seen = new Map<string, number>()

  /** Takes in what a sweep that has begun then (in milliseconds) has found by now, and gives what is to be removed. */
  due(found: ReadonlySet<string>, { begun, now }: { begun: number; now: number }): Set<string> {
    for (const id of this.#seen.keys()) if (!found.has(id)) this.#seen.delete(id)
    const due = new Set<string>()
    for (const id of found) {
      const since = this.#seen.get(id)
      if (since === undefined) this.#seen.set(id, now)
      else if (begun - since >= apartMs) due.add(id)
    }
    return due
  }
}

/** Longer than it takes from reading the rows to the beginning of a sweep. */
const apartMs = 10_000
