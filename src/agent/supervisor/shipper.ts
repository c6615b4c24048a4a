import { messageOf } from '../../model/errors.ts'
import type { AgentLink } from '../../protocol/link.ts'
import { maxRawBytes } from '../../protocol/output-frame.ts'
import { encodeBody } from './encode-body.ts'
import type { HeldCommand } from './held-command.ts'
import type { OutputLog } from './output-log.ts'

/** One log of the command: how far it is sent. */
interface Lane {
  readonly log: number
  readonly output: OutputLog
  sent: number
}

/**
 * Sends one command's logs and result over one connection, the logs in turns. The first bytes after a silence leave at once, so that a
 * log is live; what follows is gathered for a moment. At most `window` bytes are on the way without an ack.
 */
export class Shipper {
  readonly #command: HeldCommand
  readonly #link: AgentLink
  readonly #window: number
  readonly #frameBytes: number
  readonly #lanes: readonly Lane[]
  /** Index of the lane that was served last. */
  #last = -1
  #sentAt = -Infinity
  #doneSent = false
  #sending = false
  #stopped = false
  #timer: NodeJS.Timeout | undefined
  #dueAt = Infinity

  /** Goes on at the offset of each log. */
  constructor(command: HeldCommand, link: AgentLink, o: { offsets: readonly number[]; window: number }) {
    this.#command = command
    this.#link = link
    this.#window = o.window
    this.#frameBytes = Math.min(maxRawBytes, Math.ceil(o.window / 2))
    this.#lanes = command.logs.map((output, log) => ({ log, output, sent: o.offsets[log] ?? 0 }))
    for (const { output } of this.#lanes) output.onData = () => this.poke()
    this.poke()
  }

  /** The master has committed everything before `offset` of the log; more than was sent cannot be. */
  ack(log: number, offset: number): void {
    const lane = this.#lanes[log]
    lane?.output.release(Math.min(offset, lane.sent))
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
    for (const { output } of this.#lanes) output.onData = () => {}
  }

  /** Milliseconds until something is to be sent; undefined while there is nothing, or no room. */
  #wait(): number | undefined {
    const { result } = this.#command
    const due = this.#due()
    if (!due) return result && !this.#doneSent ? 0 : undefined
    if (this.#nextLength(due) === 0) return undefined
    if (this.#link.bufferedAmount > maxUnsentBytes) return unsentMs
    if (result || this.#hasFullFrame()) return 0
    if (!this.#lanes.some(({ output }) => output.started)) return gatherMs
    return Math.max(liveMs, this.#sentAt + gatherMs - performance.now())
  }

  /** The lane whose turn it is, of those that have something to send. */
  #due(): Lane | undefined {
    for (let i = 1; i <= this.#lanes.length; i++) {
      const lane = this.#lanes[(this.#last + i) % this.#lanes.length]!
      if (waiting(lane) > 0) return lane
    }
    return undefined
  }

  #hasFullFrame(): boolean {
    return this.#lanes.some((lane) => waiting(lane) >= this.#frameBytes)
  }

  // A frame smaller than it could be waits for the ack that makes room for it: else small ones would breed small ones.
  #nextLength(lane: Lane): number {
    const length = Math.min(waiting(lane), this.#frameBytes)
    const onTheWay = this.#lanes.reduce((sum, { output, sent }) => sum + sent - output.start, 0)
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
    for (let turn = 1; this.#link.bufferedAmount <= maxUnsentBytes; turn++) {
      const lane = this.#due()
      const length = lane ? this.#nextLength(lane) : 0
      if (!lane || length === 0) break
      await this.#sendFrame(lane, length)
      if (this.#stopped) return
      if (!this.#command.result && turn >= this.#lanes.length && !this.#hasFullFrame()) break
    }
    const { id, result } = this.#command
    if (!result || this.#doneSent || this.#due()) return
    this.#doneSent = true
    const logs = this.#lanes.map(({ log, output }) => ({ log, bytes: output.end }))
    this.#link.send({ type: 'done', command: id, result, logs })
  }

  async #sendFrame(lane: Lane, maxLength: number): Promise<void> {
    const { log, output, sent: offset } = lane
    const { raw, runs } = output.read(offset, maxLength)
    const encoded = encodeBody(raw)
    const { body, codec } = encoded instanceof Promise ? await encoded : encoded
    if (this.#stopped) return
    lane.sent += raw.length
    this.#last = log
    this.#sentAt = performance.now()
    const rawLength = raw.length
    const lines = countLines(raw)
    this.#link.sendOutput({ command: this.#command.id, log, codec, offset, rawLength, lines, runs, body })
  }
}

function waiting({ output, sent }: Lane): number {
  return output.end - sent
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
