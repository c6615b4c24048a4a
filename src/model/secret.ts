import { inspect } from 'node:util'

/** Names a secret without holding it. The value is looked up when the master starts, by resolve-secret.ts. */
export interface Secret {
  readonly kind: 'secret'
  readonly name: string
}

/**
 * A secret by name: looked for in the environment variable NAME, in the file named by NAME_FILE, and in the secrets
 * folder. Names are made of A-Z, a-z, 0-9, '_' and '-'. Nothing is read here, so nothing can be printed.
 */
export function secret(name: string): Secret {
  return Object.freeze(new SecretReference(name))
}

/** Never true for what came as JSON: somebody's property must not become the value of a secret. */
export function isSecret(value: unknown): value is Secret {
  return typeof value === 'object' && value !== null && (value as Marked)[mark] === true
}

export function isSecretName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z0-9_-]{1,100}$/.test(name)
}

/** What a secret that was pasted into a string (`${secret('PW')}`) leaves there; checkConfig finds it by this. */
export const pastedSecret = /\[secret [A-Za-z0-9_-]+\]/

// Of the registry: a config may have a copy of Rouse of its own.
const mark = Symbol.for('rouse.secret')

interface Marked {
  readonly [mark]?: unknown
}

class SecretReference implements Secret {
  readonly kind = 'secret'
  readonly name: string
  readonly [mark] = true

  constructor(name: string) {
    this.name = name
  }

  toString(): string {
    return `[secret ${this.name}]`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }
}
