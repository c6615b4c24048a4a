import { inspect } from 'node:util'

/** Holds a secret's value so that no log, error, inspection or JSON shows it by accident: only `.value` gives it. */
export class SecretValue {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  get value(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
