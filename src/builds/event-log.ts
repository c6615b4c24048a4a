import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { EventBody, EventSource, RouseEvent } from '../model/events.ts'
import { systemClock, type Clock } from '../util/clock.ts'

export interface EventLogOptions {
  /** How many events are kept for readers that come back. Default 10,000. */
  readonly capacity?: number
  /** Names this run of the master. Default a new uuid. */
  readonly run?: string
  readonly clock?: Clock
  /** Where a listener's failure is told; it hurts nobody else. */
  readonly log?: Pick<Logger, 'error'>
}

/** The newest events of this run of the master, in memory, numbered from 1. */
export class EventLog implements EventSource {
  readonly #capacity: number
  readonly #run: string
  readonly #clock: Clock
  readonly #log: Pick<Logger, 'error'> | undefined
  /** A ring: event number n is at n % capacity. */
  readonly #kept: RouseEvent[] = []
  readonly #listeners = new Set<(event: RouseEvent) => void>()
  #last = 0
  #told = 0
  #telling = false

  constructor({ capacity = 10_000, run = randomUUID(), clock = systemClock, log }: EventLogOptions = {}) {
    this.#capacity = capacity
    this.#run = run
    this.#clock = clock
    this.#log = log
  }

  /** Call it after the commit, never before. Every listener sees all events in the same order. */
  publish(body: EventBody): RouseEvent {
    const number = ++this.#last
    const event = { ...body, id: `${this.#run}:${number}`, at: new Date(this.#clock.now()).toISOString() }
    this.#kept[number % this.#capacity] = event
    this.#tell()
    return event
  }

  subscribe(listener: (event: RouseEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  since(id: string): readonly RouseEvent[] | undefined {
    const [, run, digits] = /^(.+):(0|[1-9]\d{0,15})$/.exec(id) ?? []
    const number = Number(digits)
    const oldest = Math.max(1, this.#last - this.#capacity + 1)
    if (run !== this.#run || number > this.#last || number < oldest - 1) return undefined
    return Array.from({ length: this.#last - number }, (_, i) => this.#at(number + 1 + i))
  }

  // A listener that publishes must not make the others see the second event before the first.
  #tell(): void {
    if (this.#telling) return
    this.#telling = true
    while (this.#told < this.#last) {
      const event = this.#at(++this.#told)
      for (const listener of [...this.#listeners]) this.#call(listener, event)
    }
    this.#telling = false
  }

  #call(listener: (event: RouseEvent) => void, event: RouseEvent): void {
    try {
      listener(event)
    } catch (error) {
      this.#log?.error({ err: error, event: event.id }, 'a listener of events failed')
    }
  }

  #at(number: number): RouseEvent {
    return this.#kept[number % this.#capacity]!
  }
}
