import type { Place } from './place.ts'
import { pastedSecret } from '../model/secret.ts'
import { visitValues } from './visit-values.ts'

/** A secret inside a string (`postgres://u:${secret('PW')}@host`) stays unresolved: its value is not known that early. */
export function checkPastedSecrets(config: unknown, root: Place): void {
  visitValues(config, root, (value, place) => {
    if (typeof value === 'string' && pastedSecret.test(value)) {
      place.say('a secret cannot be put into a string; make the whole text one secret')
    }
  })
}
