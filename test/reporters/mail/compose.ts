import type { NoticeEvent } from '../../../src/model/notice-event.ts'
import { LoadedFacts } from '../../../src/reporters/load-facts.ts'
import type { MailContent } from '../../../src/reporters/mail/mail-content.ts'
import type { MailOptions } from '../../../src/reporters/mail/mail-options.ts'
import { MailReporter } from '../../../src/reporters/mail/mail-reporter.ts'
import { mailSettings } from '../../../src/reporters/mail/settings.ts'
import type { Draft } from '../../../src/reporters/reporter.ts'
import type { TestDatabase } from '../../helpers/database.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'

export interface ComposedMail extends Draft {
  readonly content: MailContent
}

export const site = { title: 'Acme builds', url: 'https://ci.acme.example/' }

/** The mails that an event gives, by a notifier with these options, at two o'clock. */
export async function compose(
  { db }: Pick<TestDatabase, 'db'>,
  event: NoticeEvent,
  options: Partial<MailOptions> = {},
  clock = twoOClock(),
): Promise<ComposedMail[]> {
  const config = () => ({
    workers: [
      {
        name: 'bot-solaris',
        kind: 'static' as const,
        notifyOnMissing: ['bob@acme.example', 'alice@acme.example'],
      },
    ],
    builders: [{ name: 'unit', workers: ['bot-solaris'] }],
  })
  const reporter = new MailReporter(mailSettings({ fromaddr: 'ci@acme.example', ...options }, clock))
  const drafts = await reporter.compose(event, {
    facts: new LoadedFacts({ db, config, artifactPath: (path) => path }),
    site,
    signal: new AbortController().signal,
  })
  // As the outbox gives them back.
  return JSON.parse(JSON.stringify(drafts)) as ComposedMail[]
}

export function twoOClock(): ManualClock {
  const clock = new ManualClock()
  clock.advance(Date.parse('2026-11-21T02:00:00Z'))
  return clock
}
