/** Names for an answer, which must stay small enough for one control message. */
export class BoundedList {
  /** There were more. */
  cut = false
  readonly #names: string[] = []
  #bytes = 0

  get length(): number {
    return this.#names.length
  }

  /** False when there is no more room. */
  add(name: string): boolean {
    this.#bytes += JSON.stringify(name).length + 1
    this.cut = this.#names.length >= maxEntries || this.#bytes > maxBytes
    if (!this.cut) this.#names.push(name)
    return !this.cut
  }

  sorted(): string[] {
    return [...this.#names].sort()
  }
}

const maxEntries = 10_000
const maxBytes = 524_288
