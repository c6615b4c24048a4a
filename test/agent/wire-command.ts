import type { Done, FromMaster, Welcome } from '../../src/protocol/messages.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { WireLog } from './wire-log.ts'

/** Who has given it to the agent. */
interface Giver {
  readonly commands: Map<string, WireCommand>
  send(message: FromMaster): void
}

/** A command as its master sees it: what it prints, its further logs, and how it ended. */
export class WireCommand extends WireLog {
  readonly id: string
  readonly dones: Done[] = []
  /** Log 1 and so on, made when they are first asked for. */
  readonly #more: WireLog[] = []
  #master: Giver

  constructor(master: Giver, id: string) {
    super((message) => this.#master.send(message), id, 0)
    this.#master = master
    this.id = id
  }

  log(number: number): WireLog {
    if (number === 0) return this
    while (this.#more.length < number)
      this.#more.push(new WireLog((message) => this.#master.send(message), this.id, this.#more.length + 1))
    return this.#more[number - 1]!
  }

  /** As when another master takes over the database. */
  moveTo(master: Giver): void {
    this.#master = master
    master.commands.set(this.id, this)
  }

  cancel(reason = 'cancelled by a test'): void {
    this.#master.send({ type: 'cancel', command: this.id, reason })
  }

  forget(): void {
    this.#master.commands.delete(this.id)
    this.#master.send({ type: 'forget', command: this.id })
  }

  /** Where the agent is to go on. */
  resume(): Welcome['resume'][number] {
    for (const log of this.#logs) log.forgetUnacked()
    return { command: this.id, logs: this.#logs.map(({ acked }, log) => ({ log, bytes: acked })) }
  }

  /** Waits for the result. */
  async done(timeout = 20_000): Promise<Done['result']> {
    const done = await waitFor(`the end of the command, which wrote ${this.text()}`, () => this.dones[0], {
      timeout,
    })
    for (const { bytes, log } of done.logs) {
      const { length } = this.log(log)
      if (bytes !== length) throw new Error(`log ${log} done at ${bytes}, got ${length}`)
    }
    return done.result
  }

  get #logs(): WireLog[] {
    return [this, ...this.#more]
  }
}
