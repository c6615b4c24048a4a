import { systemClock, type Clock } from '../../src/util/clock.ts'

export interface ScriptedCloudOptions {
  readonly clock?: Clock
  /** Milliseconds by which lists are behind. Default 0. */
  readonly lag?: number
  /** Calls that are let through, on average and in a burst. Default: all. */
  readonly limits?: { readonly perSecond: number; readonly burst: number }
}

/** What clouds in memory have in common: faults that are planned or come by chance, limits, machines that run something. */
export abstract class ScriptedCloud<Options extends ScriptedCloudOptions, Call, Fault extends object> {
  readonly o: Options
  readonly clock: Clock
  readonly calls: Call[] = []
  chance: (action: string) => Fault | undefined = () => undefined
  witness: (call: Call, when: 'asked' | 'done') => void | Promise<void> = () => {}
  readonly #planned: { action: string; fault: Fault }[] = []
  readonly #running = new Set<Promise<void>>()
  #tokens: number
  #filledAt: number

  constructor(options: Options) {
    this.o = options
    this.clock = options.clock ?? systemClock
    this.#tokens = options.limits?.burst ?? 0
    this.#filledAt = this.clock.now()
  }

  /** Something goes wrong in the next calls of this kind, in this order. */
  plan(action: string, ...faults: Fault[]): void {
    this.#planned.push(...faults.map((fault) => ({ action, fault })))
  }

  /** What lists show as of now. */
  get listedAt(): number {
    return this.clock.now() - (this.o.lag ?? 0)
  }

  protected faultOf(action: string): Fault | undefined {
    const index = this.#planned.findIndex((planned) => planned.action === action)
    return index < 0 ? this.chance(action) : this.#planned.splice(index, 1)[0]!.fault
  }

  /** Whether this call is one too many. */
  protected throttles(): boolean {
    const { limits } = this.o
    if (!limits) return false
    const now = this.clock.now()
    const filled = this.#tokens + ((now - this.#filledAt) / 1000) * limits.perSecond
    this.#tokens = Math.min(limits.burst, filled)
    this.#filledAt = now
    if (this.#tokens < 1) return true
    this.#tokens--
    return false
  }

  /** What a machine does from its power on, until it is ended. */
  protected runs(boot: () => Promise<void>, { at, signal }: { at: number; signal: AbortSignal }): void {
    const running = this.clock
      .sleep(Math.max(0, at - this.clock.now()), signal)
      .then(boot)
      .catch(() => {})
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  protected async settled(): Promise<void> {
    await Promise.all(this.#running)
  }
}
