import { messageOf } from '../model/errors.ts'
import { Place } from './place.ts'
import type { Problem } from './problem.ts'
import { resolveSecret, type SecretPlaces } from './resolve-secret.ts'
import { isSecret, isSecretName } from '../model/secret.ts'
import { visitValues } from './visit-values.ts'

/** A warning for each place of the config that names a secret which is not there. */
export function missingSecrets(config: unknown, places: SecretPlaces): Problem[] {
  const root = new Place('', [])
  visitValues(config, root, (value, place) => {
    if (!isSecret(value) || !isSecretName(value.name)) return // a wrong name is for checkConfig
    try {
      resolveSecret(value.name, places)
    } catch (error) {
      place.warn(messageOf(error))
    }
  })
  return root.problems
}
