import { seconds, type Duration } from '../model/durations.ts'
import type { NoticeEventType } from '../model/notice-event.ts'
import { isSecret, isSecretName } from '../model/secret.ts'
import { closest } from '../util/closest.ts'

/** What is wrong with a value, said after the option's name; undefined: nothing. */
export type Check = (value: unknown) => string | undefined

/** A check for every option of `T`, so that none can be forgotten. */
export type Checks<T> = Readonly<Record<keyof T, Check>>

/** One sentence for each mistake: 'builders: must be a list of names of builders, got "unit"'. */
export function optionMistakes<T extends object>(options: object, checks: Checks<T>): string[] {
  const table: Readonly<Record<string, Check>> = checks
  const names = Object.keys(table)
  const given = options as Readonly<Record<string, unknown>>
  const wrong = names.flatMap((name) => {
    const problem = table[name]!(given[name])
    return problem === undefined ? [] : [`${name}: ${problem}`]
  })
  const unknown = Object.keys(given).filter((name) => !names.includes(name))
  return [
    ...wrong,
    ...unknown.map((name) => `unknown option "${name}"${meant(closest(name, names), (word) => `"${word}"`)}`),
  ]
}

export function mustBe(what: string, isRight: (value: unknown) => boolean): Check {
  return (value) => (isRight(value) ? undefined : `must be ${what}, got ${described(value)}`)
}

export function optional(check: Check): Check {
  return (value) => (value === undefined ? undefined : check(value))
}

/** `what` says what it is to be where there is none. */
export function needed(what: string, check: Check): Check {
  return (value) => (value === undefined ? `is missing: ${what}` : check(value))
}

/** What was given instead is not shown: it may be the secret itself. */
export function aSecret(example: string): Check {
  return (value) => {
    if (isSecret(value) && isSecretName(value.name)) return undefined
    if (value === undefined) return `is missing: a secret, such as secret('${example}')`
    if (isSecret(value)) return "is a secret with a wrong name: it is made of letters, digits, '_' and '-'"
    return `must be a secret, such as secret('${example}'), got ${typeof value === 'string' ? 'a string' : described(value)}`
  }
}

export const aText = mustBe('a string that is not empty', isText)

/** Also a function of what is told. */
export const aTextOrFunction: Check = (value) => {
  if (typeof value === 'function') return undefined
  return mustBe('a string that is not empty, or a function that gives one', isText)(value)
}

export const aFunction = mustBe('a function', (value) => typeof value === 'function')

export const aDuration = mustBe("a duration from 1 s to a minute, such as 10 or '45s'", (value) => {
  try {
    const length = seconds(value as Duration)
    return length >= 1 && length <= 60
  } catch {
    return false
  }
})

export const anHttpUrl: Check = (value) => {
  const problem = mustBe("an address such as 'https://ci.example.com/'", isText)(value)
  if (problem) return problem
  const url = URL.parse(value as string)
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return 'must begin with http:// or https://'
  return url.username || url.password ? 'cannot hold a user or a password: they would be stored' : undefined
}

/** It may be empty: then the reporter tells of no builds. */
export const builderNames = mustBe(
  'a list of names of builders',
  (value) => Array.isArray(value) && value.every(isText),
)

export const reporterName = mustBe(
  'a name of letters, digits, ".", "_" and "-" that begins with a letter, a digit or "_" and has at most 100',
  (value) => typeof value === 'string' && /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(value),
)

export const eventTypes: Check = (value) => listOf('event', noticeEventTypes, value)

/** A list, not empty, of some of these words. */
export function listOf(what: string, words: readonly string[], value: unknown): string | undefined {
  const all = words.map((word) => `'${word}'`).join(', ')
  if (!Array.isArray(value) || value.length === 0) return `must be a list of some of ${all}`
  const wrong: unknown = value.find((word) => !words.includes(word as string))
  if (wrong === undefined) return undefined
  const likely = typeof wrong === 'string' ? closest(wrong, words) : undefined
  return `there is no ${what} ${described(wrong)}${meant(likely, (word) => `'${word}'`) || `: there are ${all}`}`
}

/** All there are. */
export const noticeEventTypes = Object.keys({
  'request.submitted': true,
  'build.started': true,
  'build.finished': true,
  'request.completed': true,
  'buildset.completed': true,
  'worker.missing': true,
  'worker.recovered': true,
  'worker.flapping': true,
} satisfies Record<NoticeEventType, true>) as NoticeEventType[]

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function meant(word: string | undefined, quote: (word: string) => string): string {
  return word === undefined ? '' : `; did you mean ${quote(word)}?`
}

function described(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (isSecret(value)) return 'a secret'
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 79)}…` : value)
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  return Array.isArray(value) ? 'a list' : typeof value === 'function' ? 'a function' : `an ${typeof value}`
}
