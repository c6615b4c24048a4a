import { WebSocket } from 'ws'
import type { EventType } from '../../model/events.ts'
import { backoff } from '../../util/backoff.ts'
import { systemClock } from '../../util/clock.ts'
import type { MasterClient } from './master-client.ts'

/** What a reader should read again: only the text of the open log, everything, or nothing has been heard. */
export type Wake = 'growth' | 'change' | 'quiet'

/**
 * The master's event stream for one build, as a bell. Events are hints only: what is true is read by REST after each
 * ring, so that an event lost while the connection was away costs nothing but time. Reconnects until it is closed.
 */
export class BuildEvents {
  readonly #url: string
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #heard: Wake = 'quiet'
  #ring: (() => void) | undefined

  constructor(client: MasterClient, build: number) {
    this.#url = `${client.address.url.replace(/^http/, 'ws')}/api/v1/events?build=${build}`
    this.#running = this.#run()
  }

  /** Resolves at the next ring (at once if it rang since the last call), after `ms`, or when `signal` is aborted. */
  next(ms: number, signal: AbortSignal): Promise<Wake> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', finish)
        this.#ring = undefined
        const heard = this.#heard
        this.#heard = 'quiet'
        resolve(heard)
      }
      const timer = setTimeout(finish, this.#heard === 'quiet' && !signal.aborted ? ms : 0)
      signal.addEventListener('abort', finish, { once: true })
      this.#ring = finish
    })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    for (let attempt = 0; !signal.aborted; attempt++) {
      if (await this.#listen(signal)) attempt = 0
      await systemClock.sleep(backoff(attempt, { initial: 200, max: 3000 }), signal).catch(() => {})
    }
  }

  // Resolves when the connection is over: whether there was one.
  #listen(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = new WebSocket(this.#url, { handshakeTimeout: deadline, maxPayload: 1_048_576 })
      let opened = false
      let alive = true
      const heartbeat = setInterval(() => {
        if (!alive) socket.terminate()
        alive = false
        if (socket.readyState === WebSocket.OPEN) socket.ping()
      }, deadline)
      const end = () => socket.terminate()
      signal.addEventListener('abort', end, { once: true })
      socket.on('open', () => {
        opened = true
        this.#hear('change')
      })
      socket.on('pong', () => (alive = true))
      socket.on('message', (data: Buffer) => {
        alive = true
        this.#hear(typeOf(data.toString()) === 'log.grew' ? 'growth' : 'change')
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        clearInterval(heartbeat)
        signal.removeEventListener('abort', end)
        this.#hear('change')
        resolve(opened)
      })
    })
  }

  #hear(wake: 'growth' | 'change'): void {
    if (this.#heard !== 'change') this.#heard = wake
    this.#ring?.()
  }
}

function typeOf(text: string): EventType | 'reset' | undefined {
  try {
    return (JSON.parse(text) as { type?: EventType | 'reset' }).type
  } catch {
    return undefined
  }
}

/** Milliseconds for the handshake, and between pings; a master silent for two of them is gone. */
const deadline = 15_000
