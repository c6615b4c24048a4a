/** What was acquired registers its undo here; release runs them once, newest first, and reports the first failure. */
export class Releasers {
  readonly #undo: { name: string; release: () => unknown }[] = []
  #done: Promise<void> | undefined

  add(name: string, release: () => unknown): void {
    this.#undo.push({ name, release })
  }

  release(): Promise<void> {
    this.#done ??= this.#releaseAll()
    return this.#done
  }

  async #releaseAll(): Promise<void> {
    const failures: Error[] = []
    for (let next = this.#undo.pop(); next; next = this.#undo.pop()) {
      try {
        await next.release()
      } catch (error) {
        failures.push(new Error(`releasing ${next.name} failed`, { cause: error }))
      }
    }
    if (failures[0]) throw failures[0]
  }
}
