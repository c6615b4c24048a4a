import type { InstanceFacts } from '../ledger.ts'
import type { OpenBackend } from '../open-backend.ts'
import { advanceImage } from './advance-image.ts'
import { imageHash } from './image-hash.ts'
import { ImageInputs } from './image-inputs.ts'
import type { ImageSource } from './image-source.ts'
import type { ImageSpec } from './image-spec.ts'
import type { ImagesOptions } from './images-options.ts'
import { KeptDisks } from './kept-disks.ts'
import { tidyImages } from './tidy-images.ts'
import {
  loadImages,
  loadNames,
  storeAgain,
  storeProvisioned,
  storeUsed,
  storeWanted,
  type ImageNameRow,
  type ImageRow,
} from './store-images.ts'

/** The config's images: has those built that are not there, and knows what each name stands for. */
export class Images implements ImageSource {
  readonly #o: ImagesOptions
  readonly #disks: KeptDisks
  #specs = new Map<string, ImageSpec>()
  readonly #inputs: ImageInputs
  #names = new Map<string, ImageNameRow>()
  #rows: ImageRow[] = []
  #named: ReadonlySet<string> = new Set()
  #woken: (() => void) | undefined
  #dirty = true
  #tidiedAt = 0
  #isOpen = false

  constructor(options: ImagesOptions) {
    this.#o = options
    this.#disks = new KeptDisks({ ...options, kept: () => this.wake() })
    this.#inputs = new ImageInputs({
      ...options,
      hashOf: (spec) => this.hashOf(spec),
      found: (spec, hash) => options.commit.write((trx) => storeWanted(trx, spec, hash)),
      changed: () => this.wake(),
    })
  }

  current(name: string): ReturnType<ImageSource['current']> {
    const hash = this.#names.get(name)?.used
    const ref = this.#row(name, hash)?.ref
    return ref === undefined || ref === null ? { ref: undefined, why: this.#why(name) } : { ref }
  }

  /** Why what the config wants is not there. */
  trouble(name: string): string | undefined {
    const failed = this.#row(name, this.#inputs.hash(name))
    return this.#inputs.trouble(name) ?? (failed?.state === 'failed' ? (failed.error ?? 'failed') : undefined)
  }

  usedHash(name: string): string | undefined {
    return this.#names.get(name)?.used ?? undefined
  }

  /** What the backend calls this one. Throws when it is not ready. */
  refOf(name: string, hash: unknown): string {
    const row = this.#rows.find((row) => row.name === name && row.hash === hash)
    if (row?.state === 'ready') return row.ref!
    throw new Error(`image ${name}@${String(hash)} is not there`)
  }

  /** Whether a template of the config names it by what its provider calls it. */
  isNamed(ref: string): boolean {
    return this.#named.has(ref)
  }

  get specs(): ReadonlyMap<string, ImageSpec> {
    return this.#specs
  }

  /** What is stored, before anything is asked of a provider. */
  async open(specs: readonly ImageSpec[], named: ReadonlySet<string>): Promise<void> {
    this.configure(specs, named)
    await this.#load()
    this.#isOpen = true
  }

  /** The config's images; the files that they are made of are looked at anew. `named`: what templates name themselves. */
  configure(specs: readonly ImageSpec[], named: ReadonlySet<string>): void {
    this.#named = named
    this.#specs = new Map(specs.map((spec) => [spec.name, spec]))
    this.#inputs.configure(this.#specs)
    this.wake()
  }

  wake(): void {
    this.#dirty = true
    this.#woken?.()
  }

  end(backend: OpenBackend, instance: InstanceFacts): Promise<void> {
    return this.#disks.end(backend, instance)
  }

  /** Until aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, held, log } = this.#o
    while (!signal.aborted) {
      this.#dirty = false
      if (held() === undefined)
        await this.#look().catch((error: unknown) => {
          if (!signal.aborted) log.error({ err: error }, 'images could not be looked after')
        })
      const woken = new AbortController()
      this.#woken = () => woken.abort()
      if (this.#dirty) woken.abort()
      await clock.sleep(lookAgain, AbortSignal.any([signal, woken.signal])).catch(() => {})
      // Many who wake it at once are one.
      if (woken.signal.aborted) await clock.sleep(shortestPause, signal).catch(() => {})
    }
    await this.#inputs.settled()
  }

  /** The rows have changed. */
  async reload(): Promise<void> {
    await this.#load()
    this.wake()
  }

  /** Looks at the inputs anew and builds what they come to; with `again` although it is there. Gives its hash. */
  async build(name: string, { again }: { again: boolean }): Promise<string> {
    const { commit } = this.#o
    if (again)
      await commit.write((trx) =>
        trx
          .insertInto('image_names')
          .values({ name, fresh: 1 })
          .onConflict((oc) =>
            oc.column('name').doUpdateSet((eb) => ({ fresh: eb('image_names.fresh', '+', 1) })),
          )
          .execute(),
      )
    const spec = this.#specs.get(name)!
    const hash = await this.hashOf(spec)
    await commit.write(async (trx) => {
      await storeWanted(trx, spec, hash)
      await storeAgain(trx, { name, hash }, ['failed'])
    })
    this.#inputs.set(name, hash)
    await this.reload()
    return hash
  }

  /** What an image's inputs come to now. Throws what cannot be read or asked for. */
  async hashOf(spec: ImageSpec): Promise<string> {
    const { backend, configDir, db } = this.#o
    const open = backend(spec.backend)
    if (!open) throw new Error(`${spec.backend} is not open`)
    const base = await open.identify(spec.from)
    const names = await loadNames(db)
    const fresh = names.find(({ name }) => name === spec.name)?.fresh ?? 0
    return await imageHash(spec, { base, configDir, fresh })
  }

  /** All steps of its build are done. Gives why nothing comes of it, or undefined. */
  async provisioned(spec: ImageSpec, hash: string, build: number): Promise<string | undefined> {
    if ((await this.hashOf(spec)) !== hash) {
      this.#inputs.forget(spec.name)
      this.wake()
      return 'what the image is made of has changed meanwhile: it is built anew'
    }
    const stored = await this.#o.commit.write((trx) =>
      storeProvisioned(trx, { name: spec.name, hash }, build),
    )
    return stored ? undefined : `nobody waits for image ${spec.name}@${hash}`
  }

  async #look(): Promise<void> {
    await this.#load()
    // One that was removed is wanted again.
    this.#inputs.ask((name) => this.#row(name, this.#inputs.hash(name)) === undefined)
    for (const row of this.#rows) {
      // There is no builder for one that has left the config.
      if (row.state === 'building' && row.request_id === null && !this.#specs.has(row.name)) continue
      if (await advanceImage(row, this.#o)) this.wake()
    }
    await this.#load()
    for (const name of this.#specs.keys()) await this.choose(name)
    const { clock } = this.#o
    if (clock.now() - this.#tidiedAt < tidyEvery) return
    this.#tidiedAt = clock.now()
    await tidyImages({
      ...this.#o,
      specs: this.#specs,
      rows: this.#rows,
      names: this.#names,
      isNamed: (ref) => this.isNamed(ref),
    })
  }

  /** What is pinned, else what the config wants, as soon as it is there. */
  async choose(name: string): Promise<void> {
    const { pinned = null, used = null, wanted = null } = this.#names.get(name) ?? {}
    const best = pinned ?? wanted
    if (best === null || best === used || this.#row(name, best)?.state !== 'ready') return
    await this.#o.commit.write((trx) => storeUsed(trx, name, best))
    this.#o.log.info(`image ${name} is ${name}@${best} from now on`)
    await this.#load()
  }

  async #load(): Promise<void> {
    const before = this.#usedText
    const { db } = this.#o
    const [names, rows] = [await loadNames(db), await loadImages(db)]
    this.#names = new Map(names.map((row) => [row.name, row]))
    this.#rows = rows
    if (this.#isOpen && this.#usedText !== before) this.#o.changed()
  }

  get #usedText(): string {
    return [...this.#names.values()].map(({ name, used }) => `${name}@${used}`).join()
  }

  #row(name: string, hash: string | null | undefined): ImageRow | undefined {
    return this.#rows.find((row) => row.name === name && row.hash === hash)
  }

  #why(name: string): string {
    const row = this.#row(name, this.#inputs.hash(name))
    const why = this.trouble(name) ?? (row?.state === 'storing' ? 'it is being stored' : 'it is being built')
    return `waits for image ${name}: ${why}`
  }
}

/** Milliseconds. */
const lookAgain = 5000
const shortestPause = 100
const tidyEvery = 30_000
