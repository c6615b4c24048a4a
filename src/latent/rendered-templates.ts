import { createHash } from 'node:crypto'
import { messageOf } from '../model/errors.ts'
import type { PropertyReader } from '../model/properties.ts'
import type { Clock } from '../util/clock.ts'
import { withDeadline } from '../util/with-deadline.ts'
import { canonical } from './canonical.ts'
import type { ImageSource } from './images/image-source.ts'
import type { ImageUse } from './images/image-use.ts'
import type { ResetWay } from './instance-event.ts'

export type Rendered =
  | {
      /** The same whichever image its image() stands for. */
      readonly hash: string
      readonly template: unknown
      /** Why nothing can be made of it now: its image is not there. */
      readonly held?: string
    }
  | { readonly error: string }

interface RenderedTemplatesOptions {
  readonly clock: Clock
  /** Properties of a request that waits, as its build on this worker would have them. */
  readonly propertiesOf: (request: number) => Promise<PropertyReader | undefined>
  /** An instance that is reset otherwise is no replacement. */
  readonly reset?: ResetWay | null
  /** What is to be filled in as the image, each time anew. */
  readonly image?: (ImageUse<unknown> & { readonly current: ImageSource['current'] }) | undefined
  /** A template that was asked for is there now. */
  readonly ready: () => void
}

/** The templates of one worker: one for all, or one for each request where it is computed. */
export class RenderedTemplates {
  readonly #o: RenderedTemplatesOptions
  /** What else two instances must have in common. */
  readonly #kind: string
  readonly #compute: ((properties: PropertyReader) => unknown) | undefined
  readonly #constant: Rendered | undefined
  readonly #byRequest = new Map<number, Rendered>()
  readonly #asked = new Set<number>()

  constructor(template: unknown, options: RenderedTemplatesOptions) {
    this.#o = options
    const image = options.image ? ` image ${options.image.name}` : ''
    this.#kind = `${options.reset ?? ''}${image}`
    if (typeof template === 'function') this.#compute = template as (p: PropertyReader) => unknown
    else this.#constant = rendered(template, this.#kind)
  }

  /** For every request, where nothing is computed. */
  get constant(): Rendered | undefined {
    return this.#constant && this.#withImage(this.#constant)
  }

  /** Whether its image stands for another one than this was made of. */
  isOutdated(template: unknown): boolean {
    const { image } = this.#o
    const ref = image?.current(image.name).ref
    return ref !== undefined && canonical(image!.using(template, ref)) !== canonical(template)
  }

  /** Undefined while it is being computed. */
  of(request: number): Rendered | undefined {
    if (this.constant) return this.constant
    const known = this.#byRequest.get(request)
    if (!known && !this.#asked.has(request)) {
      this.#asked.add(request)
      void this.#ask(request).finally(() => this.#asked.delete(request))
    }
    return known && this.#withImage(known)
  }

  #withImage(rendered: Rendered): Rendered {
    const { image } = this.#o
    if (!image || 'error' in rendered) return rendered
    const current = image.current(image.name)
    if (current.ref === undefined) return { ...rendered, held: current.why }
    return { ...rendered, template: image.using(rendered.template, current.ref) }
  }

  forget(request: number): void {
    this.#byRequest.delete(request)
  }

  // Never rejects: a template that cannot be computed is the fault of its request.
  async #ask(request: number): Promise<void> {
    const answer = await this.#render(request).catch((error: unknown) => ({
      error: `its template could not be computed: ${messageOf(error)}`,
    }))
    if (!answer) return
    if (this.#byRequest.size >= mostKept) this.#byRequest.clear()
    this.#byRequest.set(request, answer)
    this.#o.ready()
  }

  async #render(request: number): Promise<Rendered | undefined> {
    const properties = await this.#o.propertiesOf(request)
    if (!properties) return undefined
    const compute = async () => this.#compute!(properties)
    return rendered(await withDeadline(compute, { clock: this.#o.clock, ms: patience }), this.#kind)
  }
}

function rendered(template: unknown, kind: string): Rendered {
  const text = JSON.stringify(template) as string | undefined
  if (text === undefined) return { error: 'its template is empty' }
  const plain: unknown = JSON.parse(text)
  const hash = createHash('sha256').update(canonical(plain) + kind)
  return { template: plain, hash: hash.digest('hex').slice(0, 16) }
}

const mostKept = 10_000
/** Milliseconds that a function of the config has. */
const patience = 10_000
