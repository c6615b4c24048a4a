import { isPlainObject } from './is-plain-object.ts'

/**
 * A frozen copy of plain objects and arrays, all the way down. A copy, because what the user put in (a shared constant,
 * another library's defaults) stays the user's. What is frozen already, functions and class instances are kept as they are.
 */
export function deepFreeze<T>(value: T): T {
  return freeze(value, new Map()) as T
}

function freeze(value: unknown, copies: Map<object, object>): unknown {
  if (!Array.isArray(value) && !isPlainObject(value)) return value
  if (Object.isFrozen(value)) return value
  const known = copies.get(value)
  if (known) return known

  const copy: unknown[] | Record<string, unknown> = Array.isArray(value) ? [] : {}
  copies.set(value, copy)
  for (const key of Object.keys(value)) {
    const property = freeze((value as Record<string, unknown>)[key], copies)
    Object.defineProperty(copy, key, {
      value: property,
      enumerable: true,
      writable: true,
      configurable: true,
    })
  }
  return Object.freeze(copy)
}
