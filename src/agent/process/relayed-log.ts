import type { Log } from '../log.ts'
import type { FromSupervisor } from './own-messages.ts'

type Entry = Extract<FromSupervisor, { type: 'log' }>

/** What a supervisor has to say goes to its connector; while there is none, the last of it is kept. */
export class RelayedLog implements Log {
  readonly #kept: Entry[] = []
  #relay: ((entry: Entry) => void) | undefined

  relayTo(relay: ((entry: Entry) => void) | undefined): void {
    this.#relay = relay
    if (relay) for (const entry of this.#kept.splice(0)) relay(entry)
  }

  /** Of every command: too much to be sent for nobody to read. */
  debug(): void {}

  info(message: string): void {
    this.#say('info', message)
  }

  warn(message: string): void {
    this.#say('warn', message)
  }

  error(message: string): void {
    this.#say('error', message)
  }

  #say(level: Entry['level'], message: string): void {
    const entry: Entry = { type: 'log', level, message: message.slice(0, maxLength) }
    if (this.#relay) return this.#relay(entry)
    this.#kept.push(entry)
    if (this.#kept.length > maxKept) this.#kept.shift()
  }
}

const maxKept = 200
const maxLength = 4096
