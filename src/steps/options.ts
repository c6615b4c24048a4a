import { RouseError, messageOf } from '../model/errors.ts'
import { seconds } from '../model/durations.ts'
import { isSecret, pastedSecret } from '../model/secret.ts'
import { closest } from '../util/closest.ts'
import type { StepFlags } from './step.ts'

const flagNames = [
  'haltOnFailure',
  'flunkOnFailure',
  'warnOnWarnings',
  'alwaysRun',
  'doStepIf',
  'locks',
] as const

/** The flags among a step's options. */
export function flagsOf(options: StepFlags): StepFlags {
  return Object.fromEntries(
    flagNames.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  )
}

/** One mistake per option that the step does not have. */
export function unknownOptions(options: object, known: readonly string[]): string[] {
  const names = [...known, ...flagNames]
  return Object.keys(options)
    .filter((name) => !names.includes(name))
    .map((name) => {
      const meant = closest(name, names)
      return `unknown option "${name}"${meant ? `; did you mean "${meant}"?` : ''}`
    })
}

/** One mistake per option that is not a duration of at most a year. */
export function durationMistakes(options: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined) return []
    try {
      const length = seconds(value as number)
      if (length >= 0 && length <= year) return []
      return [`${name}: must be 0 s to 365 days, got ${JSON.stringify(value)}`]
    } catch (error) {
      if (error instanceof RouseError) return [`${name}: ${messageOf(error)}`]
      throw error
    }
  })
}

/** One mistake per option that is not a number of bytes that a log may have. */
export function logSizeMistakes(options: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(options).flatMap(([name, value]) =>
    value === undefined || (Number.isSafeInteger(value) && (value as number) >= minLogSize)
      ? []
      : [`${name}: must be a number of bytes, at least ${minLogSize}, got ${JSON.stringify(value)}`],
  )
}

/** One mistake per option that is neither a text nor a function of the properties. */
export function textMistakes(options: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || typeof value === 'function') return []
    if (typeof value === 'string') return pastedSecret.test(value) ? [`${name}: ${pasted}`] : []
    const got = isSecret(value) ? 'a secret' : value === null ? 'null' : typeof value
    return [`${name}: must be a string or a function of the properties, got ${got}`]
  })
}

/** The same where a secret will do too. */
export function confidentialMistakes(options: Readonly<Record<string, unknown>>): string[] {
  return textMistakes(Object.fromEntries(Object.entries(options).filter(([, value]) => !isSecret(value))))
}

/** One mistake per option that is not a regular expression, or the source of one. */
export function patternMistakes(options: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || value instanceof RegExp) return []
    if (typeof value !== 'string' || value === '')
      return [`${name}: must be a regular expression or a string with one, got ${describe(value)}`]
    try {
      new RegExp(value)
      return []
    } catch (error) {
      return [`${name}: ${messageOf(error)}`]
    }
  })
}

function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : value === null ? 'null' : typeof value
}

const pasted = 'a secret cannot be put into a string; make the whole text one secret'
const year = 31_536_000
/** What an agent takes. */
const minLogSize = 1024
