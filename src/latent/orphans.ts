import type { Instance } from './backend.ts'

interface Sighting {
  readonly since: number
  readonly last: number
  readonly sweeps: number
}

/**
 * Instances with our stamp that no row knows. They are ended only after two sweeps and a grace, since a row and a list are never
 * of quite the same moment.
 */
export class Orphans {
  readonly #seen = new Map<string, Sighting>()
  /** Milliseconds. */
  readonly #grace: number

  constructor(grace: number) {
    this.#grace = grace
  }

  /** Takes in what a backend's list showed without a row, and returns those that are to be ended now. */
  sweep(backend: string, unknown: readonly Instance[], asOf: number): Instance[] {
    const present = new Set(unknown.map(({ id }) => `${backend} ${id}`))
    for (const key of this.#seen.keys())
      if (key.startsWith(`${backend} `) && !present.has(key)) this.#seen.delete(key)
    return unknown.filter(({ id }) => {
      const key = `${backend} ${id}`
      const { last = -1, since = asOf, sweeps = 0 } = this.#seen.get(key) ?? {}
      const sighting = { since, last: asOf, sweeps: asOf > last ? sweeps + 1 : sweeps }
      this.#seen.set(key, sighting)
      return sighting.sweeps >= 2 && asOf - since >= this.#grace
    })
  }
}
