import type { ReporterDescription } from '../reporter-description.ts'
import { mailMistakes } from './mail-mistakes.ts'
import type { MailOptions } from './mail-options.ts'
import { MailReporter } from './mail-reporter.ts'
import { mailSettings } from './settings.ts'

/**
 * Tells people by mail of builds and of missing workers. Only describes: `rouse check` tells what is wrong with the options, and the relay
 * is asked when there is a mail.
 */
export function mailNotifier(options: MailOptions): ReporterDescription {
  const { name } = (options ?? {}) as Partial<MailOptions>
  return Object.freeze({
    kind: 'mail',
    name: typeof name === 'string' ? name : 'mail',
    options,
    mistakes: (given: object) => mailMistakes(given as MailOptions),
    open: (given: object, named: string) =>
      new MailReporter(mailSettings({ ...(given as MailOptions), name: named })),
  })
}
