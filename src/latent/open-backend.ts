import type { Clock } from '../util/clock.ts'
import { withDeadline } from '../util/with-deadline.ts'
import { messageOf } from '../model/errors.ts'
import type { ImageStamp } from './images/backend-images.ts'
import { BackendError } from './backend-error.ts'
import type {
  BackendContext,
  BackendFactory,
  Instance,
  InstanceId,
  InstanceSpec,
  WorkerBackend,
} from './backend.ts'

interface OpenBackendOptions {
  readonly key: string
  readonly backend: WorkerBackend<unknown>
  readonly clock: Clock
}

/** What a list showed, and when it was asked for. */
export interface Listing {
  readonly asOf: number
  readonly instances: readonly Instance[]
}

type Kind = 'start' | 'seal' | 'reset' | 'park' | 'keep' | 'stop'

/** An open backend. Each call has a deadline, and those for one instance come one after the other. */
export class OpenBackend {
  readonly key: string
  readonly #backend: WorkerBackend<unknown>
  readonly #clock: Clock
  readonly #calls = new Map<
    InstanceId,
    { readonly kind: Kind; readonly abort: AbortController; readonly done: Promise<unknown> }
  >()
  /** When the last call for an instance ended: a list that was asked for before says nothing of it. */
  readonly #touched = new Map<InstanceId, number>()
  readonly #closing = new AbortController()

  /** Throws an Error that names the backend when it does not open in time. */
  static async open(
    factory: BackendFactory<unknown>,
    { clock, context, signal }: { clock: Clock; context: BackendContext; signal: AbortSignal },
  ): Promise<OpenBackend> {
    const { key } = factory
    const opening = (async () => factory.open(context))()
    try {
      const backend = await withDeadline(() => opening, { clock, ms: openDeadline, signal })
      return new OpenBackend({ key, backend, clock })
    } catch (error) {
      // One that opens all the same has come too late.
      void opening.then((late) => late.close?.()).catch(() => {})
      throw new Error(`${key} could not be opened: ${messageOf(error)}`, { cause: error })
    }
  }

  private constructor({ backend, clock, key }: OpenBackendOptions) {
    this.key = key
    this.#backend = backend
    this.#clock = clock
  }

  /** Milliseconds until a list surely shows a new or ended instance. */
  get listLag(): number {
    return this.#backend.listLag * 1000
  }

  start(spec: InstanceSpec<unknown>): Promise<Instance> {
    return this.#call('start', spec.id, startDeadline, (signal) => this.#backend.start(spec, { signal }))
  }

  /** Within so many milliseconds. Throws a BackendError where the backend cannot do it. */
  async seal(id: InstanceId, ms: number): Promise<void> {
    const { seal } = this.#backend
    if (!seal) throw new BackendError('REJECTED', 'its backend takes no snapshots')
    await this.#call('seal', id, ms, (signal) => seal.call(this.#backend, id, { signal }))
  }

  /** Within so many milliseconds. Throws a BackendError where the backend cannot do it. */
  async reset(spec: InstanceSpec<unknown>, ms: number): Promise<void> {
    const { reset } = this.#backend
    if (!reset) throw new BackendError('REJECTED', 'its backend resets nothing')
    await this.#call('reset', spec.id, ms, (signal) => reset.call(this.#backend, spec, { signal }))
  }

  /** Within so many milliseconds. Throws a BackendError where the backend cannot do it. */
  async park(id: InstanceId, ms: number): Promise<void> {
    const { park } = this.#backend
    if (!park) throw new BackendError('REJECTED', 'its backend keeps no stopped machines')
    await this.#call('park', id, ms, (signal) => park.call(this.#backend, id, { signal }))
  }

  /** What an image to begin with is now. Throws a BackendError where the backend makes no images. */
  async identify(from: string): Promise<string> {
    return await this.#limited(startDeadline, (signal) => this.#images.identify(from, { signal }))
  }

  /** Shuts the machine down and keeps its disk; gives what the backend calls it. */
  async keep(id: InstanceId, image: ImageStamp): Promise<string> {
    const keep = (signal: AbortSignal) => this.#images.keep(id, image, { signal })
    return await this.#call('keep', id, keepDeadline, keep)
  }

  /** Of a backend that makes no images: none. */
  async listImages(): Promise<readonly string[]> {
    if (!this.#backend.images) return []
    return await this.#limited(listDeadline, (signal) => this.#images.list({ signal }))
  }

  async removeImage(ref: string): Promise<void> {
    await this.#limited(stopDeadline, (signal) => this.#images.remove(ref, { signal }))
  }

  /** What fails now was given up because the master stops. */
  get isClosing(): boolean {
    return this.#closing.signal.aborted
  }

  /** Any other call that is on its way is given up first; a stop that is, is waited for. */
  async stop(id: InstanceId): Promise<void> {
    const current = this.#calls.get(id)
    if (current?.kind === 'stop') return void (await current.done)
    current?.abort.abort(new Error('it is not wanted any more'))
    await this.#call('stop', id, stopDeadline, (signal) => this.#backend.stop(id, { signal }))
  }

  async list(): Promise<Listing> {
    const asOf = this.#clock.now()
    const list = (signal: AbortSignal) => this.#backend.list({ signal })
    return { asOf, instances: await this.#limited(listDeadline, list) }
  }

  async sweep(known: ReadonlySet<InstanceId>): Promise<void> {
    const { sweep } = this.#backend
    if (sweep) await this.#limited(stopDeadline, (signal) => sweep.call(this.#backend, known, { signal }))
  }

  /** Whether a list that was asked for then tells how this instance is now. */
  isFresh(id: InstanceId, asOf: number): boolean {
    return !this.#calls.has(id) && (this.#touched.get(id) ?? -1) < asOf
  }

  forget(id: InstanceId): void {
    this.#touched.delete(id)
  }

  /** Gives up what is under way and waits for it. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the master is stopping'))
    await Promise.allSettled([...this.#calls.values()].map(({ done }) => done))
    await withDeadline(async () => this.#backend.close?.(), { clock: this.#clock, ms: closeDeadline })
  }

  get #images() {
    const { images } = this.#backend
    if (!images) throw new BackendError('REJECTED', `${this.key} cannot keep images`)
    return images
  }

  async #call<T>(
    kind: Kind,
    id: InstanceId,
    ms: number,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const before = this.#calls.get(id)?.done
    const abort = new AbortController()
    const done = (async () => {
      await before?.catch(() => {})
      abort.signal.throwIfAborted()
      return await this.#limited(ms, work, abort.signal)
    })()
    const call = { kind, abort, done }
    this.#calls.set(id, call)
    try {
      return await done
    } finally {
      this.#touched.set(id, this.#clock.now())
      if (this.#calls.get(id) === call) this.#calls.delete(id)
    }
  }

  #limited<T>(ms: number, work: (signal: AbortSignal) => Promise<T>, own?: AbortSignal): Promise<T> {
    const signal = own ? AbortSignal.any([own, this.#closing.signal]) : this.#closing.signal
    return withDeadline(work, { clock: this.#clock, ms, signal })
  }
}

/** Milliseconds. */
const openDeadline = 60_000
const closeDeadline = 10_000
/** A start may pull an image or build one. */
const startDeadline = 300_000
/** A disk may be large. */
const keepDeadline = 1_800_000
const stopDeadline = 120_000
const listDeadline = 60_000
