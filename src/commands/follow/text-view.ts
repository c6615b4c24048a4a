import { stripVTControlCharacters } from 'node:util'
import { humanDuration } from '../../model/durations.ts'
import { messageOf } from '../../model/errors.ts'
import { systemClock, type Clock } from '../../util/clock.ts'
import type { ApiBuild, ApiRequest, ApiStep } from '../../web/api.ts'
import { plainLine } from '../output/neutralise.ts'
import { ProgressLine } from '../output/progress-line.ts'
import { colourOf } from '../output/result-text.ts'
import type { Terminal } from '../output/terminal.ts'
import { took } from '../output/time.ts'
import type { FollowView, LogPlace, Outcome } from './follow-view.ts'
import { LogText } from './log-text.ts'

export interface TextViewOptions {
  readonly out: Terminal
  readonly err: Terminal
  /** A dimmed line before each step, and after one that did not go well. */
  readonly headers: boolean
  /** Lines for the build's start and end. */
  readonly announce: boolean
  readonly clock?: Clock
}

/**
 * For people. Logs, headers and results go to stdout; what is waited for and lost connections go to stderr. In a pipe a
 * log's bytes are passed on as they are.
 */
export class TextView implements FollowView {
  readonly #out: Terminal
  readonly #options: TextViewOptions
  readonly #clock: Clock
  readonly #progress: ProgressLine
  readonly #since: number
  readonly #texts = new Map<number, LogText>()
  /** Logs whose name has been shown. */
  readonly #headed = new Set<number>()
  #build: ApiBuild | undefined
  #atLineStart = true

  constructor(options: TextViewOptions) {
    this.#options = options
    this.#out = options.out
    this.#clock = options.clock ?? systemClock
    this.#progress = new ProgressLine(options.err)
    this.#since = this.#clock.now()
  }

  async waiting(request: ApiRequest): Promise<void> {
    const waited = this.#clock.now() - this.#since
    // A request that has just come may not have been looked at yet.
    if (request.state !== 'pending' || (request.waitingFor === null && waited < 1000)) return
    const place = request.position === null ? '' : ` (number ${request.position} in the queue)`
    const passing = ` · since ${humanDuration(waited)}`
    await this.#progress.show(`r${request.id}: ${request.waitingFor ?? 'waits'}${place}`, passing)
  }

  async buildStarted(build: ApiBuild): Promise<void> {
    this.#build = build
    if (!this.#options.announce) return
    const attempt = build.attempt > 1 ? `, attempt ${build.attempt}` : ''
    await this.#line(`build ${build.id} of ${build.builder} on ${build.instance ?? build.worker}${attempt}`)
  }

  async stepStarted(_build: ApiBuild, step: ApiStep): Promise<void> {
    if (this.#options.headers && step.result !== 'SKIPPED')
      await this.#line(headline(step), this.#out.colours.dim)
  }

  async log({ log, step }: LogPlace, bytes: Uint8Array): Promise<void> {
    await this.#progress.clear()
    // What commands print needs no name; other logs are of files.
    if (this.#options.headers && log.name !== 'stdio' && !this.#headed.has(log.id)) {
      this.#headed.add(log.id)
      await this.#line(`${headline(step)}: ${log.name}`, this.#out.colours.dim)
    }
    if (!this.#out.isTTY) return await this.#write(bytes)
    const text = this.#texts.get(log.id) ?? new LogText({ colours: this.#out.colours.isColorSupported })
    this.#texts.set(log.id, text)
    await this.#write(text.push(bytes))
  }

  async logEnded({ log }: LogPlace): Promise<void> {
    const text = this.#texts.get(log.id)
    this.#texts.delete(log.id)
    if (text) await this.#write(text.end())
  }

  async stepFinished(_build: ApiBuild, step: ApiStep): Promise<void> {
    if (!this.#options.headers || step.result === null || step.result === 'SUCCESS') return
    const summary = step.summary ? ` (${step.summary})` : ''
    const time = step.startedAt ? ` after ${took(step.startedAt, step.finishedAt, this.#clock.now())}` : ''
    await this.#line(`${headline(step)}: ${step.result}${summary}${time}`, this.#colour(step.result))
  }

  async buildFinished(build: ApiBuild): Promise<void> {
    this.#build = undefined
    if (!this.#options.announce || build.result === null) return
    const time = took(build.startedAt, build.finishedAt, this.#clock.now())
    const summary = build.summary ? `: ${build.summary}` : ''
    const next = build.result === 'RETRY' ? '; it is tried again' : ''
    await this.#line(
      `build ${build.id} ${build.result} in ${time}${summary}${next}`,
      this.#colour(build.result),
    )
  }

  async lost(error: unknown): Promise<void> {
    await this.#note(`connection lost, waiting for the master (${messageOf(error)})`)
  }

  async back(): Promise<void> {
    await this.#note('the master is back')
  }

  async ended({ request, build, reason, result }: Outcome): Promise<void> {
    await this.#progress.clear()
    const why = reason === null ? '' : ` (${reason})`
    if (!build) await this.#line(`request r${request} ended without a build: ${result ?? 'no result'}${why}`)
  }

  async interrupted(request?: number): Promise<void> {
    for (const text of this.#texts.values()) await this.#write(text.end())
    // The terminal has shown the keys as ^C.
    const { err } = this.#options
    if (err.isTTY && this.#atLineStart) await err.write('\r\x1b[K')
    if (request === undefined) return
    const [what, id] = this.#build
      ? [`build ${this.#build.id} goes on`, this.#build.id]
      : [`request r${request} still waits`, `r${request}`]
    await this.#note(`${what}; to end it: rouse cancel ${id}`)
  }

  async #line(text: string, colour: (text: string) => string = (t) => t): Promise<void> {
    await this.#progress.clear()
    await this.#write(`${this.#atLineStart ? '' : '\n'}${colour(plainLine(text))}\n`)
  }

  async #note(text: string): Promise<void> {
    await this.#progress.clear()
    const { err } = this.#options
    const lineEnd = this.#atLineStart || !err.isTTY || !this.#out.isTTY ? '' : '\n'
    await err.write(`${lineEnd}${err.colours.yellow(plainLine(text))}\n`)
  }

  async #write(data: string | Uint8Array): Promise<void> {
    await this.#out.write(data)
    const visible = typeof data === 'string' ? stripVTControlCharacters(data) : data
    if (visible.length > 0) this.#atLineStart = visible.at(-1) === '\n' || visible.at(-1) === 0x0a
  }

  #colour(result: string): (text: string) => string {
    return colourOf(result, this.#out.colours)
  }
}

function headline(step: ApiStep): string {
  return `── ${step.number} ${step.name}`
}
