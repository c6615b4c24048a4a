import { resolveSecret, type SecretPlaces } from './resolve-secret.ts'
import type { Secret } from '../model/secret.ts'
import { SecretValue } from './secret-value.ts'

/** Looks secrets up and remembers every value: it stays the same until the config is read again. */
export class SecretKeeper {
  readonly secrets: SecretValue[] = []
  readonly #places: SecretPlaces
  readonly #byName = new Map<string, SecretValue>()

  constructor(places: SecretPlaces) {
    this.#places = places
  }

  /** The value of a secret, or of a text that the config holds itself. Throws ROUSE_SECRET_MISSING. */
  keep(secret: string | Secret): SecretValue {
    if (typeof secret !== 'string') return this.find(secret.name)
    const value = new SecretValue(secret)
    this.secrets.push(value)
    return value
  }

  /** The value of a secret by its name. Throws ROUSE_SECRET_MISSING. */
  find(name: string): SecretValue {
    const known = this.#byName.get(name)
    if (known) return known
    const value = resolveSecret(name, this.#places)
    this.#byName.set(name, value)
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
