import { seconds, type Duration } from '../model/durations.ts'
import { isPlainObject } from './is-plain-object.ts'
import type { Place } from './place.ts'

/** Looks at one value of the config and tells the place what is wrong with it. */
export type Check = (value: unknown, place: Place) => void

/** A check for every option of `T`, so that an option added to types.ts cannot be forgotten here. */
export type Checks<T> = Readonly<Record<keyof T, Check>>

export function check(what: string, isRight: (value: unknown) => boolean): Check {
  return (value, place) => {
    if (!isRight(value)) place.mustBe(what, value)
  }
}

export function optional(inner: Check): Check {
  return (value, place) => {
    if (value !== undefined) inner(value, place)
  }
}

/** A plain object with these options and no other. */
export function options<T>(owner: string, checks: Checks<T>): Check {
  const table: Readonly<Record<string, Check>> = checks
  const writable = Object.keys(table).filter((key) => key !== 'kind')
  return (value, place) => {
    if (!isPlainObject(value)) return place.mustBe('a plain object', value)
    for (const [key, inner] of Object.entries(table)) inner(value[key], place.key(key))
    for (const key of Object.keys(value)) {
      if (!Object.hasOwn(table, key)) place.unknownOption(key, owner, writable)
    }
  }
}

/** An array with at least one entry; `what` is one of them. */
export function listOf(what: string, entry: Check): Check {
  return (value, place) => {
    if (!Array.isArray(value) || value.length === 0) {
      return place.mustBe(`an array with at least one ${what}`, value)
    }
    for (const [index, item] of value.entries()) entry(item, place.index(index))
  }
}

/** A plain object whose keys are names of the user's. */
export function record(key: (name: string) => string | undefined, entry: Check): Check {
  return (value, place) => {
    if (!isPlainObject(value)) return place.mustBe('a plain object', value)
    for (const [name, item] of Object.entries(value)) {
      const problem = key(name)
      if (problem) place.key(name).error(problem)
      else entry(item, place.key(name))
    }
  }
}

export interface DurationLimits {
  readonly min: number
  /** Also null, which means this. */
  readonly orNull?: string
}

export function duration({ min, orNull }: DurationLimits): Check {
  const nullToo = orNull === undefined ? '' : `, or null (${orNull})`
  const what = `a duration from ${min} s to 24 days, such as 90, '90s', '10m' or '1h'${nullToo}`
  return check(what, (value) => {
    if (value === null) return orNull !== undefined
    const length = secondsOf(value)
    return length !== undefined && length >= min && length <= longest
  })
}

function secondsOf(value: unknown): number | undefined {
  try {
    return seconds(value as Duration)
  } catch {
    return undefined
  }
}

export const text = check('a string that is not empty', (value) => typeof value === 'string' && value !== '')

export const yesOrNo = check('true or false', (value) => typeof value === 'boolean')

/** An amount of money or another number that is not negative. */
export const amount = check(
  'a number of 0 or more',
  (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
)

export const positiveInteger = check(
  'a positive integer',
  (value) => Number.isSafeInteger(value) && (value as number) > 0,
)

export const count = check(
  'an integer of 0 or more',
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
)

export const path = check(
  'a path',
  (value) => typeof value === 'string' && value !== '' && !value.includes('\0'),
)

/** Names become folders, addresses and arguments, so they are kept plain. */
export const name = check(
  'a name of letters, digits, ".", "_" and "-" that begins with a letter, a digit or "_" and has at most 100',
  (value) => typeof value === 'string' && /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(value),
)

// setTimeout fires at once when it is asked for more than 24.8 days.
const longest = 24 * 86_400
