import { resolveSecret, type SecretPlaces } from './resolve-secret.ts'
import type { Secret } from '../model/secret.ts'
import { SecretValue } from './secret-value.ts'

/** Looks secrets up and remembers every value, so that all of them can be masked in logs. */
export class SecretKeeper {
  readonly secrets: SecretValue[] = []
  readonly #places: SecretPlaces

  constructor(places: SecretPlaces) {
    this.#places = places
  }

  /** The value of a secret, or of a text that the config holds itself. Throws ROUSE_SECRET_MISSING. */
  keep(secret: string | Secret): SecretValue {
    const value =
      typeof secret === 'string' ? new SecretValue(secret) : resolveSecret(secret.name, this.#places)
    this.secrets.push(value)
    return value
  }

  /** A URL's password, as written and as it is meant. */
  keepPasswordOf(url: string): void {
    const { password } = new URL(url)
    if (!password) return
    for (const text of new Set([password, decode(password)])) this.keep(text)
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
