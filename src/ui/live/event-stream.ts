import type { RouseEvent } from '../../model/events.ts'

/** `reset`: anything may have changed, read it again. */
export type LiveEvent = RouseEvent | { type: 'reset' }

const firstRetry = 500
const longestRetry = 10_000

/**
 * The master's events, for as long as the page is open: reconnects by itself and resumes after the last event seen.
 * A new connection without one begins with a reset.
 */
export class EventStream {
  readonly #listeners = new Set<(event: LiveEvent) => void>()
  readonly #onConnected: (connected: boolean) => void
  #socket: WebSocket | undefined
  #lastId: string | undefined
  #retry = firstRetry
  #timer: number | undefined
  #closed = false

  constructor(onConnected: (connected: boolean) => void) {
    this.#onConnected = onConnected
    this.#connect()
  }

  listen(listener: (event: LiveEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#socket?.close()
  }

  #connect(): void {
    const url = new URL('./api/v1/events', location.href)
    url.protocol = url.protocol.replace('http', 'ws')
    url.hash = ''
    if (this.#lastId) url.searchParams.set('since', this.#lastId)
    const socket = new WebSocket(url)
    this.#socket = socket
    socket.onopen = () => {
      this.#retry = firstRetry
      this.#onConnected(true)
      if (!this.#lastId) this.#tell({ type: 'reset' })
    }
    socket.onmessage = ({ data }) => this.#tell(JSON.parse(String(data)) as LiveEvent)
    socket.onclose = () => {
      if (this.#closed) return
      this.#onConnected(false)
      this.#timer = setTimeout(() => this.#connect(), this.#retry)
      this.#retry = Math.min(longestRetry, this.#retry * 2)
    }
  }

  #tell(event: LiveEvent): void {
    this.#lastId = event.type === 'reset' ? undefined : event.id
    for (const listener of this.#listeners) listener(event)
  }
}
