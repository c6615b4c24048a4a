import { RouseError } from '../model/errors.ts'

const maxDepth = 16

/** Throws ROUSE_REQUEST_INVALID on what JSON can say and PostgreSQL cannot keep: NUL, halves of characters, deep nests. */
export function checkStorable(value: unknown, depth = 0): void {
  if (depth > maxDepth) throw invalid(`values are nested deeper than ${maxDepth}`)
  if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed()))
    throw invalid('text holds a NUL or half a character')
  if (value === null || typeof value !== 'object') return
  for (const [name, inner] of Object.entries(value)) {
    checkStorable(name, depth + 1)
    checkStorable(inner, depth + 1)
  }
}

function invalid(what: string): RouseError {
  return new RouseError('ROUSE_REQUEST_INVALID', `body: ${what}`)
}
