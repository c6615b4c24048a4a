import type { Check } from './checks.ts'
import type { Place } from './place.ts'
import { isSecret, isSecretName, type Secret } from '../model/secret.ts'
import { show } from './show.ts'

/** A text that is not empty, or a secret. The text is never shown. */
export const checkConfidential: Check = (value, place) => {
  if (isSecret(value)) checkSecret(value, place)
  else if (typeof value !== 'string' || value === '') place.mustBeUnseen("a string or secret('NAME')", value)
}

export function checkSecret(secret: Secret, place: Place): void {
  if (isSecretName(secret.name)) return
  place.error(`must be a secret whose name has letters, digits, "_" and "-", got ${show(secret.name)}`)
}
