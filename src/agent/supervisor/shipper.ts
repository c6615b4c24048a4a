import { messageOf } from '../../model/errors.ts'
import type { AgentLink } from '../../protocol/link.ts'
import { maxRawBytes } from '../../protocol/output-frame.ts'
import { encodeBody } from './encode-body.ts'
import type { HeldCommand } from './held-command.ts'

/**
 * Sends one command's output and result over one connection. The first bytes after a silence leave at once, so that a
 * log is live; what follows is gathered for a moment. At most `window` bytes are on the way without an ack.
 */
export class Shipper {
  readonly #command: HeldCommand
  readonly #link: AgentLink
  readonly #window: number
  readonly #frameBytes: number
  #sent: number
  #sentAt = -Infinity
  #doneSent = false
  #sending = false
  #stopped = false
  #timer: NodeJS.Timeout | undefined
  #dueAt = Infinity

  /** Goes on at `offset`. */
  constructor(command: HeldCommand, link: AgentLink, { offset, window }: { offset: number; window: number }) {
    this.#command = command
    this.#link = link
    this.#window = window
    this.#frameBytes = Math.min(maxRawBytes, Math.ceil(window / 2))
    this.#sent = offset
    command.output.onData = () => this.poke()
    this.poke()
  }

  /** The master has committed everything before `offset`; more than was sent cannot be. */
  ack(offset: number): void {
    this.#command.output.release(Math.min(offset, this.#sent))
    this.poke()
  }

  /** To be called when there may be something to send. */
  poke(): void {
    const wait = this.#stopped || this.#sending ? undefined : this.#wait()
    if (wait === undefined) return
    if (wait === 0) return this.#send()
    const dueAt = performance.now() + wait
    if (this.#timer && this.#dueAt <= dueAt) return
    clearTimeout(this.#timer)
    this.#dueAt = dueAt
    this.#timer = setTimeout(() => this.#send(), wait)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#command.output.onData = () => {}
  }

  /** Milliseconds until something is to be sent; undefined while there is nothing, or no room. */
  #wait(): number | undefined {
    const { output, result } = this.#command
    if (this.#waiting === 0) return result && !this.#doneSent ? 0 : undefined
    if (this.#nextLength() === 0) return undefined
    if (this.#link.bufferedAmount > maxUnsentBytes) return unsentMs
    if (result || this.#waiting >= this.#frameBytes) return 0
    if (!output.started) return gatherMs
    return Math.max(liveMs, this.#sentAt + gatherMs - performance.now())
  }

  get #waiting(): number {
    return this.#command.output.end - this.#sent
  }

  // A frame smaller than it could be waits for the ack that makes room for it: else small ones would breed small ones.
  #nextLength(): number {
    const length = Math.min(this.#waiting, this.#frameBytes)
    const onTheWay = this.#sent - this.#command.output.start
    return onTheWay + length <= this.#window ? length : 0
  }

  #send(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#sending = true
    this.#sendWaiting()
      .catch((error: unknown) => this.#link.close(`output could not be sent: ${messageOf(error)}`))
      .finally(() => {
        this.#sending = false
        this.poke()
      })
  }

  async #sendWaiting(): Promise<void> {
    while (this.#nextLength() > 0 && this.#link.bufferedAmount <= maxUnsentBytes) {
      await this.#sendFrame(this.#nextLength())
      if (this.#stopped) return
      if (!this.#command.result && this.#waiting < this.#frameBytes) break
    }
    const { id, output, result } = this.#command
    if (!result || this.#doneSent || this.#waiting > 0) return
    this.#doneSent = true
    this.#link.send({ type: 'done', command: id, result, logs: [{ log: 0, bytes: output.end }] })
  }

  async #sendFrame(maxLength: number): Promise<void> {
    const { raw, runs } = this.#command.output.read(this.#sent, maxLength)
    const encoded = encodeBody(raw)
    const { body, codec } = encoded instanceof Promise ? await encoded : encoded
    if (this.#stopped) return
    const offset = this.#sent
    this.#sent += raw.length
    this.#sentAt = performance.now()
    const rawLength = raw.length
    const lines = countLines(raw)
    this.#link.sendOutput({ command: this.#command.id, log: 0, codec, offset, rawLength, lines, runs, body })
  }
}

function countLines(raw: Buffer): number {
  let lines = 0
  for (let at = raw.indexOf(newline); at !== -1; at = raw.indexOf(newline, at + 1)) lines++
  return lines
}

const newline = 10
/** Time to gather output in before it is sent. */
const gatherMs = 75
/** The same after a silence. */
const liveMs = 2
/** A connection that has this much to send gets no more for a while. */
const maxUnsentBytes = 4_194_304
const unsentMs = 20
