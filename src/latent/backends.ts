import type { Logger } from 'pino'
import { messageOf } from '../model/errors.ts'
import type { Clock } from '../util/clock.ts'
import type { BackendContext, BackendFactory } from './backend.ts'
import { OpenBackend } from './open-backend.ts'

interface BackendsOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly context: Omit<BackendContext, 'log'>
  /** Aborted: nothing more is opened. */
  readonly signal: AbortSignal
  readonly onOpened: (backend: OpenBackend) => void
}

/** The backends of the config's latent workers; those of workers that have left it stay open for what is left of theirs. */
export class Backends {
  readonly #o: BackendsOptions
  readonly #open = new Map<string, OpenBackend>()
  #closed: Promise<void> | undefined

  constructor(options: BackendsOptions) {
    this.#o = options
  }

  get(key: string): OpenBackend | undefined {
    return this.#open.get(key)
  }

  get all(): OpenBackend[] {
    return [...this.#open.values()]
  }

  /** Opens those that are not open, all of them or none. */
  async open(factories: readonly BackendFactory<unknown>[]): Promise<void> {
    const { clock, context, log, onOpened, signal } = this.#o
    const wanted = new Map(factories.map((factory) => [factory.key, factory]))
    const opened: OpenBackend[] = []
    try {
      for (const [key, factory] of wanted) {
        if (this.#open.has(key)) continue
        const own = { ...context, log: log.child({ backend: key }) }
        opened.push(await OpenBackend.open(factory, { clock, context: own, signal }))
      }
    } catch (error) {
      await this.#close(opened)
      throw error
    }
    for (const backend of opened) {
      this.#open.set(backend.key, backend)
      onOpened(backend)
    }
  }

  /** Once and for all. Never rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#close(this.all)
    return this.#closed
  }

  async #close(backends: readonly OpenBackend[]): Promise<void> {
    const closed = await Promise.allSettled(backends.map((backend) => backend.close()))
    for (const [i, end] of closed.entries())
      if (end.status === 'rejected')
        this.#o.log.warn(`${backends[i]!.key} could not be closed: ${messageOf(end.reason)}`)
  }
}
