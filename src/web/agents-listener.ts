import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ListenAddress, SocketAddress } from '../config/types.ts'
import { messageOf, RouseError } from '../model/errors.ts'
import { backoff } from '../util/backoff.ts'
import type { App } from './app.ts'
import { closeApp, listenOn, urlOf } from './listen.ts'
import { listenOnSocket } from './listen-on-socket.ts'

/** Listens for agents on a socket, or on an address that may come later, such as docker0's. */
export class AgentsListener {
  /** Where it listens, with 'unix:' before the path of a socket; undefined until it does. */
  url: string | undefined
  readonly #app: App
  readonly #address: ListenAddress | SocketAddress
  readonly #log: Logger
  readonly #stop = new AbortController()
  #retrying: Promise<void> | undefined

  constructor(app: App, address: ListenAddress | SocketAddress, log: Logger) {
    this.#app = app
    this.#address = address
    this.#log = log
  }

  /** When the address does not exist yet, goes on trying by itself. Throws ROUSE_LISTEN_FAILED on anything else. */
  async open(): Promise<void> {
    try {
      await this.#listen()
    } catch (error) {
      if (!isAddressMissing(error)) throw error
      this.#log.warn(this.#address, `${messageOf(error)}; trying again until the address exists`)
      this.#retrying = this.#retry(this.#stop.signal)
    }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#retrying
    await closeApp(this.#app)
  }

  async #retry(signal: AbortSignal): Promise<void> {
    for (let attempt = 0; !this.url; attempt++) {
      try {
        await delay(backoff(attempt, { initial: 1_000, max: 30_000 }), undefined, { signal })
        await this.#listen()
      } catch (error) {
        if (signal.aborted) return
        // The master runs by now and goes on without this listener.
        if (!isAddressMissing(error)) this.#log.error(this.#address, `${messageOf(error)}; trying again`)
      }
    }
  }

  async #listen(): Promise<void> {
    const address = this.#address
    if ('path' in address) await listenOnSocket(this.#app, address.path)
    else await listenOn(this.#app, address)
    this.url = 'path' in address ? `unix:${address.path}` : urlOf(this.#app, address.host)
    this.#log.info(address, 'agents can connect here')
  }
}

function isAddressMissing(error: unknown): boolean {
  return error instanceof RouseError && (error.cause as NodeJS.ErrnoException)?.code === 'EADDRNOTAVAIL'
}
