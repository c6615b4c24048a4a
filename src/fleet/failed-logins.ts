/** How often a name was tried in vain from an address, in bounded memory. */
export class FailedLogins {
  readonly #failures = new Map<string, number[]>()

  /** How long to wait when there were too many failures lately, in milliseconds; undefined when there were not. */
  blockedFor(name: string, address: string, now: number): number | undefined {
    const times = this.#recent(keyOf(name, address), now)
    return times.length < mostFailures ? undefined : times[0]! + window - now
  }

  add(name: string, address: string, now: number): void {
    const key = keyOf(name, address)
    const times = [...this.#recent(key, now), now].slice(-mostFailures)
    // Whoever failed last stands last: the oldest make room.
    this.#failures.delete(key)
    this.#failures.set(key, times)
    if (this.#failures.size > mostKeys) this.#failures.delete(this.#failures.keys().next().value!)
  }

  get size(): number {
    return this.#failures.size
  }

  #recent(key: string, now: number): number[] {
    return (this.#failures.get(key) ?? []).filter((time) => time > now - window)
  }
}

function keyOf(name: string, address: string): string {
  return JSON.stringify([name.slice(0, 100), address])
}

const mostFailures = 10
/** Milliseconds. */
const window = 600_000
const mostKeys = 10_000
