import type { Clock } from '../util/clock.ts'

/** Rings once at the time that was set last. */
export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #timer = new AbortController()

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** Milliseconds since the epoch; Infinity: never. */
  set(at: number): void {
    this.stop()
    if (at === Infinity) return
    const { signal } = (this.#timer = new AbortController())
    this.#clock.sleep(Math.max(0, at - this.#clock.now()), signal).then(this.#ring, () => {})
  }

  stop(): void {
    this.#timer.abort()
  }
}
