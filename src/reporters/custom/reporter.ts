import type { NoticeEventType } from '../../model/notice-event.ts'
import { describeReporter } from '../describe-reporter.ts'
import {
  aDuration,
  aFunction,
  builderNames,
  eventTypes,
  needed,
  optional,
  reporterName,
} from '../option-checks.ts'
import type { ReporterDescription } from '../reporter-description.ts'
import type { CustomReporterOptions } from './custom-options.ts'
import { CustomReporter } from './custom-reporter.ts'

/** A reporter of your own: a function that is called with each of the chosen events. */
export function reporter<const T extends NoticeEventType>(
  options: CustomReporterOptions<T>,
): ReporterDescription {
  return describeReporter<CustomReporterOptions<T>>({
    kind: 'custom',
    options,
    checks: {
      name: needed('what it is called', reporterName),
      events: needed("what it is told, such as ['request.completed']", eventTypes),
      builders: optional(builderNames),
      report: needed('the function that is called with each event', aFunction),
      timeout: optional(aDuration),
    },
    open: (right, name) => new CustomReporter(name, right),
  })
}
