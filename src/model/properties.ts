export type PropertyValue =
  string | number | boolean | null | readonly PropertyValue[] | { readonly [key: string]: PropertyValue }

/** Where a property came from, weakest first: a later source overrides an earlier one, as in Buildbot. */
export const propertySources = ['builder', 'scheduler', 'change', 'force', 'worker', 'build', 'step'] as const
export type PropertySource = (typeof propertySources)[number]

export interface Property {
  readonly name: string
  readonly value: PropertyValue
  readonly source: PropertySource
}

/** What a computed option gets: `(p) => \`node:${p.get('node', '24')}\``. */
export interface PropertyReader {
  /** The property's value, or `fallback` when it is not set. */
  get(name: string): PropertyValue | undefined
  get(name: string, fallback: PropertyValue): PropertyValue
  has(name: string): boolean
  all(): Readonly<Record<string, PropertyValue>>
}

/** A value, or a function that computes it from the build's properties. */
export type Renderable<T> = T | ((properties: PropertyReader) => T)

export class Properties implements PropertyReader {
  readonly #byName = new Map<string, Property>()

  constructor(properties: Iterable<Property> = []) {
    for (const property of properties) this.set(property)
  }

  /** Sets unless a stronger source has set it already. */
  set(property: Property): void {
    const present = this.#byName.get(property.name)
    if (present && strength(present.source) > strength(property.source)) return
    this.#byName.set(property.name, property)
  }

  get(name: string): PropertyValue | undefined
  get(name: string, fallback: PropertyValue): PropertyValue
  get(name: string, fallback?: PropertyValue): PropertyValue | undefined {
    const property = this.#byName.get(name)
    return property ? property.value : fallback
  }

  has(name: string): boolean {
    return this.#byName.has(name)
  }

  all(): Record<string, PropertyValue> {
    return Object.fromEntries([...this.#byName.values()].map((p) => [p.name, p.value]))
  }

  list(): Property[] {
    return [...this.#byName.values()]
  }
}

/** Renders a value, and inside arrays and plain objects every value, against the properties. */
export function render<T>(value: Renderable<T>, properties: PropertyReader): T {
  return renderDeep(value, properties) as T
}

function renderDeep(value: unknown, properties: PropertyReader): unknown {
  if (typeof value === 'function')
    return renderDeep((value as (p: PropertyReader) => unknown)(properties), properties)
  if (Array.isArray(value)) return value.map((v) => renderDeep(v, properties))
  if (value && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, renderDeep(v, properties)]))
  }
  return value
}

function strength(source: PropertySource): number {
  return propertySources.indexOf(source)
}
