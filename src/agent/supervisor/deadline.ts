/** Calls back once when its time has passed without a `restart`. Owned by whoever must `stop` it. */
export class Deadline {
  readonly #ms: number
  readonly #onExpired: () => void
  #timer: NodeJS.Timeout | undefined
  #expiresAt = 0
  #stopped = false

  /** Starts at once. `ms` 0 is never. */
  constructor(ms: number, onExpired: () => void) {
    this.#ms = ms
    this.#onExpired = onExpired
    this.restart()
  }

  /** Counts from now on again, also after `pause`. Cheap: it is called for every chunk of output. */
  restart(): void {
    if (this.#ms <= 0 || this.#stopped) return
    this.#expiresAt = performance.now() + this.#ms
    if (!this.#timer) this.#arm()
  }

  pause(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  stop(): void {
    this.#stopped = true
    this.pause()
  }

  #arm(): void {
    const left = this.#expiresAt - performance.now()
    this.#timer = setTimeout(() => this.#check(), Math.min(Math.max(1, Math.ceil(left)), longestTimer))
  }

  #check(): void {
    this.#timer = undefined
    if (performance.now() < this.#expiresAt) return this.#arm()
    this.stop()
    this.#onExpired()
  }
}

// Node fires timers of more than 2^31 - 1 ms at once.
const longestTimer = 2_147_483_647
