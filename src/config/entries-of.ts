import { isPlainObject } from './is-plain-object.ts'

export interface Entry {
  readonly index: number
  readonly name: string | undefined
  readonly value: Record<string, unknown>
}

/** The entries of a list in an unchecked config, without those that are no objects. */
export function entriesOf(list: unknown): Entry[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((value: unknown, index) => {
    if (!isPlainObject(value)) return []
    return [{ index, name: typeof value.name === 'string' ? value.name : undefined, value }]
  })
}

export function namesOf(list: unknown): string[] {
  return entriesOf(list).flatMap(({ name }) => name ?? [])
}
