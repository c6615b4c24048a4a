import { isSecret, isSecretName, type Secret } from '../model/secret.ts'
import { Place } from './place.ts'
import { visitValues } from './visit-values.ts'

/** Visits every secret that a config names, also by its steps. Those with a wrong name are for checkConfig. */
export function visitSecrets(
  config: unknown,
  visit: (secret: Secret, place: Place) => void,
  root = new Place('', []),
): void {
  visitValues(config, root, (value, place) => {
    if (isSecret(value) && isSecretName(value.name)) visit(value, place)
  })
}
