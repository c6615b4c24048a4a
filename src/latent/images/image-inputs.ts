import type { Logger } from 'pino'
import { messageOf } from '../../model/errors.ts'
import type { Clock } from '../../util/clock.ts'
import type { ImageSpec } from './image-spec.ts'

interface ImageInputsOptions {
  readonly clock: Clock
  readonly log: Logger
  /** What an image's inputs come to now. */
  readonly hashOf: (spec: ImageSpec) => Promise<string>
  /** Stores that this is wanted. */
  readonly found: (spec: ImageSpec, hash: string) => Promise<void>
  /** Somebody has an answer, or none. */
  readonly changed: () => void
}

/** What the inputs of the config's images come to, as far as they were looked at since the last change of the config. */
export class ImageInputs {
  readonly #o: ImageInputsOptions
  #specs: ReadonlyMap<string, ImageSpec> = new Map()
  readonly #hashes = new Map<string, string>()
  readonly #troubles = new Map<string, string>()
  readonly #lookAgainAt = new Map<string, number>()
  /** Side by side: a provider that does not answer delays only its own. */
  readonly #asking = new Map<ImageSpec, Promise<void>>()

  constructor(options: ImageInputsOptions) {
    this.#o = options
  }

  configure(specs: ReadonlyMap<string, ImageSpec>): void {
    this.#specs = specs
    this.#hashes.clear()
    this.#troubles.clear()
    this.#lookAgainAt.clear()
  }

  hash(name: string): string | undefined {
    return this.#hashes.get(name)
  }

  /** Why that is not known. */
  trouble(name: string): string | undefined {
    return this.#troubles.get(name)
  }

  /** They were looked at just now. */
  set(name: string, hash: string): void {
    this.#hashes.set(name, hash)
    this.#troubles.delete(name)
  }

  /** They have changed. */
  forget(name: string): void {
    this.#hashes.delete(name)
  }

  /** Begins to look at those that are needed; each ends at the deadline of its call. */
  ask(isNeeded: (name: string) => boolean): void {
    for (const spec of this.#specs.values()) {
      const { name } = spec
      if (this.#asking.size >= mostAsked) return
      if (this.#asking.has(spec) || (this.#lookAgainAt.get(name) ?? 0) > this.#o.clock.now()) continue
      if (!isNeeded(name)) continue
      const asking = this.#look(spec).finally(() => {
        this.#asking.delete(spec)
        this.#o.changed()
      })
      this.#asking.set(spec, asking)
    }
  }

  /** Until nothing is asked any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#asking.values())
  }

  /** Never rejects. */
  async #look(spec: ImageSpec): Promise<void> {
    const { clock, found, hashOf, log } = this.#o
    const { name } = spec
    // The config may have changed meanwhile.
    const isCurrent = () => this.#specs.get(name) === spec
    try {
      const hash = await hashOf(spec)
      if (!isCurrent()) return
      await found(spec, hash)
      if (isCurrent()) this.set(name, hash)
    } catch (error) {
      if (!isCurrent()) return
      const message = messageOf(error)
      if (this.#troubles.get(name) !== message) log.warn(`image ${name} cannot be built: ${message}`)
      this.#troubles.set(name, message)
      this.#lookAgainAt.set(name, clock.now() + troubledFor)
    }
  }
}

/** Milliseconds. */
const troubledFor = 30_000
const mostAsked = 8
