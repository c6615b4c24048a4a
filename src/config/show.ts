import { isSecret } from '../model/secret.ts'

/** A value for a message about a mistake: short, on one line, and never what is inside an object or behind a URL's login. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(cut(value.replace(/\/\/.*@/s, '//...@')))
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value)
  return isSecret(value) ? `secret(${show(value.name)})` : showKind(value)
}

/** What sort of value it is, for places where the value itself may be confidential. */
export function showKind(value: unknown): string {
  if (value == null) return String(value)
  if (value === '') return 'an empty string'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array'
  if (value instanceof Promise) return 'a promise (it needs an await)'
  if (isSecret(value)) return 'a secret'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** `"a", "b" and "c"`, at most ten. */
export function showNames(names: readonly string[]): string {
  const shown = names.slice(0, 10).map(show)
  if (names.length > shown.length) shown.push(`${names.length - shown.length} more`)
  const last = shown.pop() ?? 'none'
  return shown.length > 0 ? `${shown.join(', ')} and ${last}` : last
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
