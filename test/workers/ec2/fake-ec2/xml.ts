export type Xml = string | number | boolean | undefined | readonly Xml[] | { readonly [key: string]: Xml }

/** Lists are <item>s, as EC2 writes them. */
export function xml(name: string, value: Xml): string {
  if (value === undefined) return ''
  return `<${name}>${inner(value)}</${name}>`
}

function inner(value: Xml): string {
  if (typeof value !== 'object') return escaped(String(value))
  if (isList(value)) return value.map((item) => xml('item', item)).join('')
  return Object.entries(value ?? {})
    .map(([key, one]) => xml(key, one))
    .join('')
}

function isList(value: Xml): value is readonly Xml[] {
  return Array.isArray(value)
}

export function tagSet(tags: Readonly<Record<string, string>>): Xml {
  return Object.entries(tags).map(([key, value]) => ({ key, value }))
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
