import { isSecret } from '../model/secret.ts'
import { checkSecret } from './check-secret.ts'
import { record, type Check } from './checks.ts'

/** An environment of fixed texts and secrets. Its values are never shown: they are where people keep tokens. */
export const checkEnv = environment("a string or secret('NAME')", (value) => typeof value === 'string')

/** An environment whose texts may be computed from the build's properties. */
export const checkRenderableEnv = environment(
  "a string, secret('NAME') or a function of the properties",
  (value) => typeof value === 'string' || typeof value === 'function',
)

function environment(what: string, isRight: (value: unknown) => boolean): Check {
  return record(
    (name) => (/^[^=\0]+$/.test(name) ? undefined : 'is no name of an environment variable'),
    (value, place) => {
      if (isSecret(value)) checkSecret(value, place)
      else if (!isRight(value)) place.mustBeUnseen(what, value)
      else if (typeof value === 'string' && value.includes('\0')) place.error('must not contain a NUL byte')
    },
  )
}
