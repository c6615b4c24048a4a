import { randomUUID } from 'node:crypto'
import { RouseError } from '../../model/errors.ts'
import { backoff } from '../../util/backoff.ts'
import { systemClock } from '../../util/clock.ts'
import { errorOfAnswer } from './error-of-answer.ts'
import type { MasterAddress } from './find-master.ts'
import { isOutage } from './is-outage.ts'
import { unreachable } from './unreachable.ts'

export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

export type Query = Readonly<Record<string, string | number | undefined>>

/**
 * The master's REST API. Throws ROUSE_MASTER_UNREACHABLE when there is no answer within the deadline, RemoteError with
 * the master's own words when it refuses, ROUSE_NOT_A_MASTER when something else answers, and the signal's reason.
 */
export class MasterClient {
  readonly address: MasterAddress

  constructor(address: MasterAddress) {
    this.address = address
  }

  async get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return await this.#json<T>(path + queryString(query), { method: 'GET' }, signal)
  }

  /** `deadline`: milliseconds for the answer. `repeatable`: the master knows a repetition, so an answer that got lost is asked for again. */
  async post<T>(
    path: string,
    body: unknown,
    { repeatable = false, deadline: patience = deadline } = {},
  ): Promise<T> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#json<T>(path, init, undefined, patience)
      } catch (error) {
        const refusedAtOnce = attempt === 0 && neverArrived(error)
        if (!repeatable || !isOutage(error) || refusedAtOnce || attempt === postRetries) throw error
        await systemClock.sleep(backoff(attempt, { initial: 200, max: 3000 }))
      }
    }
  }

  /** The first `limit` items of a list, over as many pages as that takes. */
  async list<T>(path: string, query: Query = {}, limit = Infinity, signal?: AbortSignal): Promise<Page<T>> {
    const items: T[] = []
    let next: string | null = null
    do {
      const size = Math.min(limit - items.length, maxPage)
      const cursor = next ?? undefined
      const page: Page<T> = await this.get<Page<T>>(path, { ...query, limit: size, cursor }, signal)
      if (!isPage(page)) throw this.#notAMaster(`${path} is not a list`)
      items.push(...page.items)
      next = page.items.length > 0 ? page.next : null
    } while (next !== null && items.length < limit)
    return { items: items.slice(0, limit), next }
  }

  /** A log's bytes from offset `from` to its present end. The deadline is for each piece, not for the whole. */
  logText(log: number, from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    return this.#bytes(`/logs/${log}/text`, from, signal)
  }

  /** An artifact's bytes. The deadline is for each piece, not for the whole. */
  artifact(id: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    return this.#bytes(`/artifacts/${id}`, 0, signal)
  }

  async *#bytes(path: string, from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const silence = new AbortController()
    const timely = async <T>(answer: Promise<T>): Promise<T> => {
      const timer = setTimeout(() => silence.abort(new Error('no answer')), deadline)
      try {
        return await answer
      } catch (error) {
        signal.throwIfAborted()
        throw unreachable(this.address, error, deadline)
      } finally {
        clearTimeout(timer)
      }
    }
    try {
      const headers = { range: `bytes=${from}-`, 'accept-encoding': 'identity' }
      const anySignal = AbortSignal.any([signal, silence.signal])
      const response = await timely(fetch(this.#url(path), { headers, signal: anySignal }))
      if (response.status === 416) return
      if (!response.ok) throw await timely(errorOfAnswer(this.address, response))
      let skip = from - firstByte(response)
      if (skip < 0) throw this.#notAMaster(`it gave another part of ${path} than asked for`)
      const reader = (response.body as ReadableStream<Uint8Array>).getReader()
      for (;;) {
        const { value, done } = await timely(reader.read())
        if (done) return
        if (value.length > skip) yield skip > 0 ? value.subarray(skip) : value
        skip = Math.max(0, skip - value.length)
      }
    } finally {
      silence.abort()
    }
  }

  async #json<T>(path: string, init: RequestInit, signal?: AbortSignal, patience = deadline): Promise<T> {
    const timeout = AbortSignal.timeout(patience)
    let response: Response
    let text: string
    try {
      response = await fetch(this.#url(path), {
        ...init,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      })
      if (!response.ok) throw await errorOfAnswer(this.address, response)
      text = await response.text()
    } catch (error) {
      signal?.throwIfAborted()
      throw unreachable(this.address, error, patience)
    }
    if (text === '') return undefined as T
    try {
      return JSON.parse(text) as T
    } catch {
      throw this.#notAMaster('its answer is not JSON')
    }
  }

  #url(path: string): string {
    return `${this.address.url}/api/v1${path}`
  }

  #notAMaster(why: string): RouseError {
    return new RouseError('ROUSE_NOT_A_MASTER', `no Rouse master at ${this.address.url}: ${why}`)
  }
}

function queryString(query: Query): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) parameters.set(name, String(value))
  return parameters.size > 0 ? `?${parameters.toString()}` : ''
}

function isPage(answer: unknown): boolean {
  return Array.isArray((answer as Partial<Page<unknown>> | null)?.items)
}

// A server may answer with the whole instead of the part.
function firstByte(response: Response): number {
  const range = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')
  return response.status === 206 && range ? Number(range[1]) : 0
}

function neverArrived(error: unknown): boolean {
  return (
    error instanceof RouseError && (error.cause as { code?: string } | undefined)?.code === 'ECONNREFUSED'
  )
}

/** Milliseconds that an answer, or the next piece of a log, may take. */
const deadline = 15_000
const maxPage = 1000
const postRetries = 5
