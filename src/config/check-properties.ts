import { isPlainObject } from './is-plain-object.ts'
import { record } from './checks.ts'

/** Names and JSON values. They are stored in the database and shown to everyone, so no secret may be among them. */
export const checkProperties = record(
  (name) => (name.length > 0 && name.length <= 256 ? undefined : 'must have a name of 1 to 256 characters'),
  (value, place) => {
    if (!isJson(value, 0))
      place.mustBe('a JSON value (text, number, true, false, null, array or plain object)', value)
  },
)

function isJson(value: unknown, depth: number): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (depth === maxDepth || typeof value !== 'object') return false
  if (!Array.isArray(value) && !isPlainObject(value)) return false
  return Object.values(value).every((item) => isJson(item, depth + 1))
}

const maxDepth = 20
