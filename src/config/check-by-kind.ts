import type { Check } from './checks.ts'
import { hintFor } from './hint-for.ts'
import { isPlainObject } from './is-plain-object.ts'
import { show } from './show.ts'

export interface Kinds {
  readonly what: string
  /** How one is made: "localWorker('name')". */
  readonly example: string
  readonly checks: Readonly<Record<string, Check>>
}

/** Checks a description by what its `kind` says it is. */
export function checkByKind({ what, example, checks }: Kinds): Check {
  return (value, place) => {
    if (!isPlainObject(value) || value.kind === undefined) {
      return place.mustBe(`a ${what} such as ${example}`, value)
    }
    const { kind } = value
    if (typeof kind === 'string' && Object.hasOwn(checks, kind)) return checks[kind]!(value, place)
    const hint = hintFor(typeof kind === 'string' ? kind : '', Object.keys(checks), 'kinds')
    place.key('kind').error(`is no kind of ${what}: ${show(kind)}${hint}`)
  }
}
