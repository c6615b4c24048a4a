import { seconds } from '../../model/durations.ts'
import { messageOf } from '../../model/errors.ts'
import type { NoticeEvent, NoticeEventType } from '../../model/notice-event.ts'
import { systemClock } from '../../util/clock.ts'
import { maskText } from '../../util/mask/mask-text.ts'
import { withDeadline } from '../../util/with-deadline.ts'
import { DeliveryError } from '../delivery-error.ts'
import { oneLine } from '../plain-text.ts'
import type { ComposeTools, Draft, Interest, Message, Reporter, SendTools } from '../reporter.ts'
import { tellEvent } from '../tell-event.ts'
import type { CustomReporterOptions } from './custom-options.ts'

export class CustomReporter<T extends NoticeEventType> implements Reporter {
  readonly kind = 'custom'
  readonly name: string
  readonly interest: Interest
  readonly #options: CustomReporterOptions<T>

  constructor(name: string, options: CustomReporterOptions<T>) {
    const { builders, events } = options
    this.name = name
    this.#options = options
    this.interest = { events, ...(builders && { builders }) }
  }

  async compose(event: NoticeEvent, { facts, site }: ComposeTools): Promise<readonly Draft[]> {
    // The function gets the event also when what it is about is gone.
    const told = await tellEvent(event, facts, site)
    return [{ target: this.name, subject: told?.text ?? event.type, content: event }]
  }

  async send({ attempt, content, id }: Message, { facts, secret, signal, site }: SendTools): Promise<void> {
    const { report, timeout = 30 } = this.#options
    const secrets: string[] = []
    const reveal: Parameters<typeof report>[1]['secret'] = (wanted) => {
      const value = secret(typeof wanted === 'string' ? wanted : wanted.name)
      secrets.push(value)
      return value
    }
    const event = content as Extract<NoticeEvent, { type: T }>
    const call = async (own: AbortSignal) => {
      await report(event, { facts, site, secret: reveal, signal: own, id, attempt })
    }
    try {
      await withDeadline(call, { clock: systemClock, ms: seconds(timeout) * 1000, signal })
    } catch (error) {
      signal.throwIfAborted()
      throw asDeliveryError(error, secrets)
    }
  }
}

/** Its message without the secrets, and not its cause: people see it. */
function asDeliveryError(error: unknown, secrets: readonly string[]): DeliveryError {
  const text = (message: string) => oneLine(maskText(message, secrets), 300)
  // By its name: a config may have a copy of Rouse of its own.
  if (error instanceof Error && error.name === 'DeliveryError') {
    const { advice, retryAfter, worth } = error as DeliveryError
    return new DeliveryError(text(error.message), {
      worth,
      ...(advice && { advice: text(advice) }),
      ...(retryAfter && { retryAfter }),
    })
  }
  const isFinal =
    typeof error === 'object' && error !== null && (error as { retry?: unknown }).retry === false
  return new DeliveryError(text(messageOf(error)), { worth: isFinal ? 'never' : 'later' })
}
