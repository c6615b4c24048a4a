import type { Clock } from '../../src/util/clock.ts'
import type { OpenStackApi } from './openstack-api.ts'
import { pages } from './pages.ts'
import { serverOf, type NovaServer, type Server } from './server.ts'
import { stamps } from './stamps.ts'
import { untilAborted } from './until-aborted.ts'

/** What the project had at one time. */
export interface Look {
  /** When it was asked for, in milliseconds since the epoch. */
  readonly begun: number
  /** With a stamp of Rouse's, of any cluster. */
  readonly servers: readonly Server[]
}

/**
 * Lists of servers, shared by all who ask before the list is sent: five hundred starts look for their servers with a few calls.
 * Nova's own filters do not help: ordinary users may not filter by metadata, and names are regular expressions.
 */
export class Looks {
  readonly #api: OpenStackApi
  readonly #clock: Clock
  readonly #seen: (look: Look) => void
  readonly #closing = new AbortController()
  #waiting: Promise<Look> | undefined
  #later: Promise<Look> | undefined

  constructor(api: OpenStackApi, clock: Clock, seen: (look: Look) => void) {
    this.#api = api
    this.#clock = clock
    this.#seen = seen
  }

  /** A list that is sent after this call. */
  now(signal: AbortSignal): Promise<Look> {
    signal.throwIfAborted()
    if (!this.#waiting) {
      const waiting = this.#look(() => {
        if (this.#waiting === waiting) this.#waiting = undefined
      })
      this.#waiting = waiting
    }
    return untilAborted(this.#waiting, signal)
  }

  /** One that is sent within a second or so. */
  soon(signal: AbortSignal): Promise<Look> {
    signal.throwIfAborted()
    this.#later ??= this.#clock.sleep(pause, this.#closing.signal).then(() => {
      this.#later = undefined
      return this.now(this.#closing.signal)
    })
    return untilAborted(this.#later, signal)
  }

  close(): void {
    this.#closing.abort(new Error('the backend is closed'))
  }

  async #look(sent: () => void): Promise<Look> {
    let begun: number | undefined
    const { signal } = this.#closing
    try {
      const found = await pages<NovaServer>(this.#api, {
        service: 'compute',
        path: '/servers/detail',
        key: 'servers',
        urgency: 'list',
        signal: AbortSignal.any([signal, AbortSignal.timeout(deadline)]),
        sent: () => {
          begun ??= this.#clock.now()
          sent()
        },
      })
      const servers = found.map(serverOf).filter(({ metadata }) => metadata[stamps.instance] !== undefined)
      const look = { begun: begun!, servers }
      this.#seen(look)
      return look
    } finally {
      sent()
    }
  }
}

/** Milliseconds. */
const pause = 1000
const deadline = 120_000
