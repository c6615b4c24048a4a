import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Clock } from '../util/clock.ts'
import { withDeadline } from '../util/with-deadline.ts'
import type { PatternParts } from './line-counter.ts'

interface LineThreadOptions {
  /** Each has lines of its own. */
  readonly streams: number
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Milliseconds that the expression may take for one part of a log. Default 10,000. */
  readonly patience?: number
}

/**
 * Counts matching lines in a thread of its own: an expression that takes for ever holds up nothing but its step, and is
 * given up. One call at a time.
 */
export class LineThread {
  readonly #pattern: PatternParts
  readonly #o: LineThreadOptions
  readonly #worker: Worker

  constructor(pattern: PatternParts, options: LineThreadOptions) {
    this.#pattern = pattern
    this.#o = options
    const main = new URL(`./line-thread-main${extname(import.meta.url)}`, import.meta.url)
    this.#worker = new Worker(main, { workerData: { pattern, streams: options.streams } })
    // Told to whoever asks next.
    this.#worker.on('error', () => {})
  }

  /** The next bytes of each stream. Throws an Error when the expression takes too long for them. */
  async add(parts: readonly Uint8Array[]): Promise<void> {
    await this.#ask(parts.map((part) => new Uint8Array(part)))
  }

  /** How many lines have matched since the last end. */
  async end(): Promise<number> {
    return await this.#ask(null)
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  async #ask(message: readonly Uint8Array<ArrayBuffer>[] | null): Promise<number> {
    const { clock, patience = usualPatience, signal } = this.#o
    const answer = async (ends: AbortSignal) => {
      const answered = once(this.#worker, 'message', { signal: ends })
      this.#worker.postMessage(message, message?.map(({ buffer }) => buffer) ?? [])
      const [count] = (await answered) as [number]
      return count
    }
    try {
      return await withDeadline(answer, { clock, ms: patience, signal })
    } catch (error) {
      signal.throwIfAborted()
      if ((error as Error).name !== 'AbortError') throw error
      const { flags, source } = this.#pattern
      throw new Error(`/${source}/${flags} took more than ${patience / 1000} s for a part of the log`, {
        cause: error,
      })
    }
  }
}

const usualPatience = 10_000
