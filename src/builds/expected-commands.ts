import type { Clock } from '../util/clock.ts'

/**
 * Commands in flight of builds that this master has just taken up. The build runs its step again and asks for them within
 * moments; an agent that says hello meanwhile must wait, else it would be told that nobody wants them.
 */
export class ExpectedCommands {
  readonly #awaited = new Map<string, PromiseWithResolvers<void>>()
  /** No build asked for them in time, and their agent was told to end them. */
  readonly #givenUp = new Set<string>()

  add(ids: readonly string[]): void {
    for (const id of ids) this.#awaited.set(id, Promise.withResolvers<void>())
  }

  has(id: string): boolean {
    return this.#awaited.has(id)
  }

  /** A build has asked for it. False when that was too late. */
  arrived(id: string): boolean {
    this.#awaited.get(id)?.resolve()
    this.#awaited.delete(id)
    return !this.#givenUp.has(id)
  }

  /** Resolves when those of these that are expected have arrived or will not come, but in some seconds anyway. */
  async arrival(ids: readonly string[], clock: Clock): Promise<void> {
    const awaited = ids.flatMap((id) => this.#awaited.get(id)?.promise ?? [])
    if (awaited.length === 0) return
    const over = new AbortController()
    await Promise.race([Promise.all(awaited), clock.sleep(patience, over.signal).catch(() => {})])
    over.abort()
  }

  giveUp(id: string): void {
    if (this.#awaited.has(id)) this.#givenUp.add(id)
  }

  remove(ids: readonly string[]): void {
    for (const id of ids) {
      this.arrived(id)
      this.#givenUp.delete(id)
    }
  }
}

const patience = 5000
