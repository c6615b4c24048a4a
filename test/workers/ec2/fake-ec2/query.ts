/** A form of the Query protocol as a tree: 'Filter.1.Value.2=x' is { Filter: { 1: { Value: { 2: 'x' } } } }. */
export interface Query {
  readonly [key: string]: Query | string | undefined
}

export function parseQuery(body: string): Query {
  const root: Record<string, unknown> = {}
  for (const [path, value] of new URLSearchParams(body)) {
    const keys = path.split('.')
    let at = root
    for (const key of keys.slice(0, -1)) at = (at[key] ??= {}) as Record<string, unknown>
    at[keys.at(-1)!] = value
  }
  return root as Query
}

export function text(query: Query, ...path: string[]): string | undefined {
  let at: Query | string | undefined = query
  for (const key of path) at = typeof at === 'object' ? at[key] : undefined
  return typeof at === 'string' ? at : undefined
}

/** Items that are trees themselves. */
export function items(query: Query, key: string): Query[] {
  return Object.values((query[key] ?? {}) as Query).filter((item): item is Query => typeof item === 'object')
}

export function texts(query: Query, key: string): string[] {
  return Object.values((query[key] ?? {}) as Query).filter((item): item is string => typeof item === 'string')
}

/** Tags of one kind of resource in a call that creates. */
export function tagsFor(query: Query, resource: string): Record<string, string> {
  const specs = items(query, 'TagSpecification').filter((spec) => spec.ResourceType === resource)
  return Object.fromEntries(
    specs.flatMap((spec) => items(spec, 'Tag').map((tag) => [text(tag, 'Key')!, text(tag, 'Value') ?? ''])),
  )
}

/** Whether something with these tags and attributes is what the filters ask for. */
export function matches(
  query: Query,
  tags: Readonly<Record<string, string>>,
  attributes: Readonly<Record<string, string | undefined>>,
): boolean {
  return items(query, 'Filter').every((filter) => {
    const name = text(filter, 'Name')!
    const wanted = texts(filter, 'Value')
    if (name === 'tag-key') return wanted.some((key) => key in tags)
    const value = name.startsWith('tag:') ? tags[name.slice(4)] : attributes[name]
    return wanted.some((pattern) => value !== undefined && like(pattern).test(value))
  })
}

function like(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`)
}
