import type { AgentLink } from '../../protocol/link.ts'
import type { HeldCommand } from './held-command.ts'
import { Shipper } from './shipper.ts'

/** One connection to a master, from the agent's end. Nothing but the hello is sent before the welcome. */
export class Session {
  readonly link: AgentLink
  welcomed = false
  #ended = false
  #window = 0
  readonly #shippers = new Map<string, Shipper>()

  constructor(link: AgentLink) {
    this.link = link
  }

  get ended(): boolean {
    return this.#ended
  }

  /** `window`: raw bytes of output per command that may be on the way. */
  welcome(window: number): void {
    this.welcomed = true
    this.#window = window
  }

  /** Sends what each log of the command has from its offset (default 0) on, and what comes. The master answers for everything before. */
  ship(command: HeldCommand, offsets: readonly number[]): void {
    for (const [log, output] of command.logs.entries()) output.release(offsets[log] ?? 0)
    command.transfer?.attach(this.link)
    this.#shippers.set(command.id, new Shipper(command, this.link, { offsets, window: this.#window }))
  }

  ack(command: string, log: number, offset: number): void {
    this.#shippers.get(command)?.ack(log, offset)
  }

  /** The command has its result. */
  poke(command: string): void {
    this.#shippers.get(command)?.poke()
  }

  forget(command: string): void {
    this.#shippers.get(command)?.stop()
    this.#shippers.delete(command)
  }

  /** No command of it is sent any more. Does not close the link. */
  end(): void {
    this.#ended = true
    for (const shipper of this.#shippers.values()) shipper.stop()
    this.#shippers.clear()
  }
}
