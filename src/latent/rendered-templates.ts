import { createHash } from 'node:crypto'
import { messageOf } from '../model/errors.ts'
import type { PropertyReader } from '../model/properties.ts'
import type { Clock } from '../util/clock.ts'
import { withDeadline } from '../util/with-deadline.ts'
import type { ResetWay } from './instance-event.ts'

export type Rendered = { readonly hash: string; readonly template: unknown } | { readonly error: string }

interface RenderedTemplatesOptions {
  readonly clock: Clock
  /** Properties of a request that waits, as its build on this worker would have them. */
  readonly propertiesOf: (request: number) => Promise<PropertyReader | undefined>
  /** An instance that is reset otherwise is no replacement. */
  readonly reset?: ResetWay | null
  /** A template that was asked for is there now. */
  readonly ready: () => void
}

/** The templates of one worker: one for all, or one for each request where it is computed. */
export class RenderedTemplates {
  readonly #o: RenderedTemplatesOptions
  /** What else two instances must have in common. */
  readonly #kind: string
  readonly #compute: ((properties: PropertyReader) => unknown) | undefined
  /** For every request, where nothing is computed. */
  readonly constant: Rendered | undefined
  readonly #byRequest = new Map<number, Rendered>()
  readonly #asked = new Set<number>()

  constructor(template: unknown, options: RenderedTemplatesOptions) {
    this.#o = options
    this.#kind = options.reset ?? ''
    if (typeof template === 'function') this.#compute = template as (p: PropertyReader) => unknown
    else this.constant = rendered(template, this.#kind)
  }

  /** Undefined while it is being computed. */
  of(request: number): Rendered | undefined {
    if (this.constant) return this.constant
    const known = this.#byRequest.get(request)
    if (!known && !this.#asked.has(request)) {
      this.#asked.add(request)
      void this.#ask(request).finally(() => this.#asked.delete(request))
    }
    return known
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

/** JSON with its keys in order, so that equal templates are equal texts. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, v]) => `${JSON.stringify(key)}:${canonical(v)}`).join(',')}}`
}

const mostKept = 10_000
/** Milliseconds that a function of the config has. */
const patience = 10_000
