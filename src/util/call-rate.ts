import type { Clock } from './clock.ts'

/** Whose calls go first: lists tell what is wrong, stops end what costs money. */
export type Urgency = 'list' | 'stop' | 'start'

interface Waiter {
  readonly urgency: number
  readonly go: () => void
}

/**
 * How many calls a provider is sent: a bucket of tokens, so that five hundred starts at once do not make a storm. Each
 * call that is throttled all the same halves the rate; it recovers with those that are not.
 */
export class CallRate {
  readonly #clock: Clock
  readonly #most: number
  readonly #burst: number
  readonly #waiting: Waiter[] = []
  #perSecond: number
  #tokens: number
  #filledAt: number
  #pumping = false

  constructor({ clock, perSecond }: { clock: Clock; perSecond: number }) {
    this.#clock = clock
    this.#most = perSecond
    this.#perSecond = perSecond
    this.#burst = Math.max(1, 2 * perSecond)
    this.#tokens = this.#burst
    this.#filledAt = clock.now()
  }

  /** Resolves when the call may be made; rejects when the signal is aborted before. */
  take(urgency: Urgency, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(signal.reason as Error)
      }
      const go = () => {
        signal.removeEventListener('abort', abort)
        resolve()
      }
      const waiter = { urgency: order.indexOf(urgency), go }
      signal.addEventListener('abort', abort, { once: true })
      const behind = this.#waiting.findIndex((other) => other.urgency > waiter.urgency)
      this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, waiter)
      void this.#pump()
    })
  }

  slowDown(): void {
    this.#fill()
    this.#tokens = 0
    this.#perSecond = Math.max(slowest, this.#perSecond / 2)
  }

  speedUp(): void {
    this.#perSecond = Math.min(this.#most, this.#perSecond + this.#most / 50)
  }

  // Runs while somebody waits; a sleep is never longer than it takes one token to come.
  async #pump(): Promise<void> {
    if (this.#pumping) return
    this.#pumping = true
    while (this.#waiting.length > 0) {
      this.#fill()
      if (this.#tokens >= 1) {
        this.#tokens--
        this.#waiting.shift()!.go()
      } else await this.#clock.sleep(Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000))
    }
    this.#pumping = false
  }

  #fill(): void {
    const now = this.#clock.now()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filledAt) / 1000) * this.#perSecond)
    this.#filledAt = now
  }
}

const order: readonly Urgency[] = ['list', 'stop', 'start']
/** Calls per second. */
const slowest = 0.5
