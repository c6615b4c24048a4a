import { InvalidArgumentError } from 'commander'
import type { PropertyValue } from '../model/properties.ts'

export type PropertyValues = Readonly<Record<string, PropertyValue>>

/** Adds `name=text` (always a string) or `name:=json` to the properties so far; the last one of a name wins. */
export function parseProperty(text: string, soFar: PropertyValues = {}): PropertyValues {
  const equals = text.indexOf('=')
  const isJson = equals > 0 && text[equals - 1] === ':'
  const name = text.slice(0, Math.max(0, isJson ? equals - 1 : equals)).trim()
  if (name === '')
    throw new InvalidArgumentError('Write name=text, or name:=json for a number, true, null, a list.')
  const value = text.slice(equals + 1)
  return { ...soFar, [name]: isJson ? parseJson(name, value) : value }
}

function parseJson(name: string, text: string): PropertyValue {
  try {
    return JSON.parse(text) as PropertyValue
  } catch {
    throw new InvalidArgumentError(`${text} is not JSON; write ${name}=${text} for plain text.`)
  }
}
