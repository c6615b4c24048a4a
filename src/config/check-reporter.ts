import { isPlainObject } from './is-plain-object.ts'
import { name, options, text, type Check } from './checks.ts'
import type { ReporterDescription } from '../reporters/reporter-description.ts'

/** A reporter that a function such as mailNotifier(...) describes. */
export const checkReporter: Check = (value, place) => {
  if (!isPlainObject(value) || typeof value.open !== 'function' || typeof value.mistakes !== 'function')
    return place.mustBe("a reporter such as mailNotifier({ fromaddr: 'ci@acme.example' })", value)
  shape(value, place)
  const { mistakes: mistakesOf, options: given } = value as unknown as ReporterDescription
  const mistakes = mistakesOf(given)
  for (const mistake of mistakes) place.say(mistake)
}

const shape = options<ReporterDescription>('a reporter', {
  kind: text,
  name,
  options: () => {},
  mistakes: () => {},
  open: () => {},
})
