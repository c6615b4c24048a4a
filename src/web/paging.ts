import Type, { type TSchema } from 'typebox'

/** What every list takes: newest first, `cursor` is the `next` of the page before. */
export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 100.' })),
  cursor: Type.Optional(
    Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: '`next` of the page before.' }),
  ),
}

export interface PageRequest {
  readonly limit?: number
  readonly cursor?: number
}

/** The JSON of one page of a list. */
export function PageSchema<T extends TSchema>(item: T) {
  return Type.Object({ items: Type.Array(item), next: Type.Union([Type.String(), Type.Null()]) })
}

/** Rows to ask the database for: one more than the page shows whether there is a next. */
export function rowLimit({ limit = 100 }: PageRequest): number {
  return limit + 1
}

/** One page of rows that were read with `rowLimit`. */
export function page<T extends { id: number }>(rows: readonly T[], { limit = 100 }: PageRequest) {
  const items = rows.slice(0, limit)
  return { items, next: rows.length > limit ? String(items.at(-1)!.id) : null }
}

/** One page of rows that have no ids and were read with `rowLimit` from the cursor on, which counts what was shown. */
export function pageOfCounted<T>(rows: readonly T[], { limit = 100, cursor = 0 }: PageRequest) {
  return { items: rows.slice(0, limit), next: rows.length > limit ? String(cursor + limit) : null }
}

/** One page of a list that is all in memory and has no ids: the cursor counts what was shown. */
export function pageOfAll<T>(all: readonly T[], { limit = 100, cursor = 0 }: PageRequest) {
  const end = cursor + limit
  return { items: all.slice(cursor, end), next: end < all.length ? String(end) : null }
}
