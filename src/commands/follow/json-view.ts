import { messageOf } from '../../model/errors.ts'
import type { ApiBuild, ApiRequest, ApiStep } from '../../web/api.ts'
import type { Terminal } from '../output/terminal.ts'
import type { FollowView, LogPlace, Outcome } from './follow-view.ts'

/**
 * For programs: one JSON object per line.
 *
 *     {"type":"request","request":{...}}             when its state, reason to wait or position has changed
 *     {"type":"build","build":{...}}                 at the start and at the end of each attempt
 *     {"type":"step","build":17,"step":{...}}        at the start and at the end of each step
 *     {"type":"log","build":17,"step":2,"log":5,"name":"stdio","text":"..."}
 *     {"type":"connection","state":"lost"}           and "back"
 *     {"type":"result","request":12,"build":17,"result":"SUCCESS"}   the last one, with "build" null when there was none,
 *                                                   and "reason" where it is known why
 */
export class JsonView implements FollowView {
  readonly #out: Terminal
  readonly #decoders = new Map<number, InstanceType<typeof TextDecoder>>()
  #request = ''

  constructor(out: Terminal) {
    this.#out = out
  }

  async waiting(request: ApiRequest): Promise<void> {
    const text = JSON.stringify(request)
    if (text !== this.#request) await this.#object({ type: 'request', request })
    this.#request = text
  }

  async buildStarted(build: ApiBuild): Promise<void> {
    await this.#object({ type: 'build', build })
  }

  async stepStarted(build: ApiBuild, step: ApiStep): Promise<void> {
    await this.#object({ type: 'step', build: build.id, step })
  }

  async log(place: LogPlace, bytes: Uint8Array): Promise<void> {
    const decoder = this.#decoders.get(place.log.id) ?? new TextDecoder('utf-8', { ignoreBOM: true })
    this.#decoders.set(place.log.id, decoder)
    await this.#text(place, decoder.decode(bytes, { stream: true }))
  }

  async logEnded(place: LogPlace): Promise<void> {
    await this.#text(place, this.#decoders.get(place.log.id)?.decode() ?? '')
    this.#decoders.delete(place.log.id)
  }

  async stepFinished(build: ApiBuild, step: ApiStep): Promise<void> {
    if (step.state === 'finished') await this.#object({ type: 'step', build: build.id, step })
  }

  async buildFinished(build: ApiBuild): Promise<void> {
    await this.#object({ type: 'build', build })
  }

  async lost(error: unknown): Promise<void> {
    await this.#object({ type: 'connection', state: 'lost', message: messageOf(error) })
  }

  async back(): Promise<void> {
    await this.#object({ type: 'connection', state: 'back' })
  }

  async ended({ request, build, reason, result }: Outcome): Promise<void> {
    const why = build || reason === null ? {} : { reason }
    await this.#object({ type: 'result', request, build: build?.id ?? null, result, ...why })
  }

  async interrupted(): Promise<void> {}

  async #object(value: object): Promise<void> {
    await this.#out.write(`${JSON.stringify(value)}\n`)
  }

  async #text({ build, step, log }: LogPlace, text: string): Promise<void> {
    if (text === '') return
    await this.#object({ type: 'log', build: build.id, step: step.number, log: log.id, name: log.name, text })
  }
}
