import { messageOf } from '../model/errors.ts'
import type { Secret } from '../model/secret.ts'
import { Place } from './place.ts'
import type { Problem } from './problem.ts'
import { resolveSecret, type SecretPlaces } from './resolve-secret.ts'
import { visitSecrets } from './visit-secrets.ts'

/** A warning for each place of the config that names a secret which is not there. */
export function missingSecrets(config: unknown, places: SecretPlaces): Problem[] {
  const root = new Place('', [])
  const check = ({ name }: Secret, place: Place) => {
    try {
      resolveSecret(name, places)
    } catch (error) {
      place.warn(messageOf(error))
    }
  }
  visitSecrets(config, check, root)
  return root.problems
}
