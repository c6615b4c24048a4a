import { isPlainObject } from './is-plain-object.ts'
import type { Place } from './place.ts'

/** Visits every value of a config with its place; what is inside functions and class instances cannot be seen. */
export function visitValues(
  value: unknown,
  place: Place,
  visit: (value: unknown, place: Place) => void,
  above: readonly unknown[] = [],
): void {
  visit(value, place)
  if (above.includes(value)) return
  const within = [...above, value]
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) visitValues(item, place.index(index), visit, within)
  } else if (isPlainObject(value)) {
    for (const [key, item] of Object.entries(value)) visitValues(item, place.key(key), visit, within)
  }
}
