import type { NoticeEvent, NoticeEventType } from '../../model/notice-event.ts'
import type { ComposeTools, Draft, Interest, Message, Receipt, Reporter, SendTools } from '../reporter.ts'
import { composeMail } from './compose-mail.ts'
import { sendMail } from './send-mail.ts'
import type { MailSettings } from './settings.ts'

/** A mail notifier at work. It holds nothing open between two mails. */
export class MailReporter implements Reporter {
  readonly kind = 'mail'
  readonly name: string
  readonly interest: Interest
  readonly #settings: MailSettings

  constructor(settings: MailSettings) {
    this.#settings = settings
    this.name = settings.name
    this.interest = {
      events: eventsOf(settings),
      ...(settings.builders && { builders: settings.builders }),
    }
  }

  compose(event: NoticeEvent, tools: ComposeTools): Promise<Draft[]> {
    return composeMail(this.#settings, event, tools)
  }

  send(message: Message, tools: SendTools): Promise<Receipt | void> {
    return sendMail(this.#settings, message, tools)
  }
}

function eventsOf({ builders, perBuildset, workers }: MailSettings): NoticeEventType[] {
  const ofBuilds = perBuildset ? 'buildset.completed' : 'request.completed'
  return [
    ...(builders?.length === 0 ? [] : ([ofBuilds] as const)),
    ...(workers === false ? [] : (['worker.missing', 'worker.recovered', 'worker.flapping'] as const)),
  ]
}
