import { isSecret, type Secret } from '../model/secret.ts'

/** Every secret among a step's options, but for those that a function of the properties returns. */
export function secretsOf(options: unknown, above: readonly unknown[] = []): Secret[] {
  if (isSecret(options)) return [options]
  if (typeof options !== 'object' || options === null || above.includes(options)) return []
  return Object.values(options).flatMap((value) => secretsOf(value, [...above, options]))
}
