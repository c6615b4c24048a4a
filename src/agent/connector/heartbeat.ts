/** Sends a sign of life at every interval, and notices when the other side has been silent for three of them. */
export class Heartbeat {
  readonly #send: () => void
  readonly #onSilent: () => void
  #heardAt = performance.now()
  #timer: NodeJS.Timeout | undefined

  constructor({ send, onSilent }: { send: () => void; onSilent: () => void }) {
    this.#send = send
    this.#onSilent = onSilent
  }

  /** `interval` in seconds. */
  start(interval: number): void {
    const ms = Math.min(Math.max(interval * 1000, shortest), longest)
    this.stop()
    this.#timer = setInterval(() => {
      if (performance.now() - this.#heardAt > 3 * ms) this.#onSilent()
      else this.#send()
    }, ms)
  }

  /** Anything came from the other side. */
  heard(): void {
    this.#heardAt = performance.now()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

// A master's slip must not make the agent spin, nor overflow a timer.
const shortest = 10
const longest = 86_400_000
