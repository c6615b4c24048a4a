import { isPlainObject } from './is-plain-object.ts'
import { name, options, text, type Check } from './checks.ts'
import { show } from './show.ts'
import type { ReporterDescription } from '../reporters/reporter-description.ts'

/** A reporter that a function such as mailNotifier(...) describes. */
export const checkReporter: Check = (value, place) => {
  if (!isPlainObject(value) || typeof value.open !== 'function' || typeof value.mistakes !== 'function')
    return place.mustBe("a reporter such as mailNotifier({ fromaddr: 'ci@acme.example' })", value)
  shape(value, place)
  if (!isPlainObject(value.options)) return
  const mistakes = (value as unknown as ReporterDescription).mistakes(value.options)
  for (const mistake of mistakes) place.say(mistake)
}

const shape = options<ReporterDescription>('a reporter', {
  kind: text,
  name,
  options: (value, place) => {
    if (!isPlainObject(value)) place.error(`must be a plain object, got ${show(value)}`)
  },
  mistakes: () => {},
  open: () => {},
})
