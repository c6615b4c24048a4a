import { createHmac } from 'node:crypto'
import { messageOf } from '../../model/errors.ts'
import type { NoticeEvent, NoticeEventType } from '../../model/notice-event.ts'
import { isSecret, type Secret } from '../../model/secret.ts'
import { DeliveryError } from '../delivery-error.ts'
import { postJson } from '../http/post-json.ts'
import { secretParts } from '../http/secret-parts.ts'
import { noticeEventTypes } from '../option-checks.ts'
import type { ComposeTools, Draft, Interest, Message, Reporter, SendTools } from '../reporter.ts'
import { tellEvent } from '../tell-event.ts'
import { payloadOf } from './payload-of.ts'
import type { WebhookOptions } from './webhook-options.ts'
import type { WebhookPayload } from './webhook-payload.ts'

/** What is stored. The body as text, because the database keeps no order of keys, and takes not all that JSON can hold. */
interface WebhookContent {
  readonly event: NoticeEventType
  readonly body: string
}

export class WebhookReporter implements Reporter {
  readonly kind = 'webhook'
  readonly name: string
  readonly interest: Interest
  readonly #options: WebhookOptions

  constructor(name: string, options: WebhookOptions) {
    this.name = name
    this.#options = options
    const { builders, events = noticeEventTypes } = options
    this.interest = { events, ...(builders && { builders }) }
  }

  async compose(event: NoticeEvent, { facts, site }: ComposeTools): Promise<readonly Draft[]> {
    const told = await tellEvent(event, facts, site)
    const body = told && this.#bodyOf(payloadOf(told, site), event)
    if (body === undefined) return []
    const content: WebhookContent = { event: event.type, body }
    return [{ target: this.#target, subject: told!.text, content }]
  }

  async send({ content, id }: Message, { secret, signal }: SendTools): Promise<void> {
    const { headers = {}, secret: key, url } = this.#options
    const secrets: string[] = []
    const reveal = (value: string | Secret) => {
      if (!isSecret(value)) return value
      const text = secret(value.name)
      // 'Bearer ' and a token is a secret, and so is the token.
      secrets.push(text, ...secretParts(text), ...text.split(/\s+/).filter((word) => word.length >= 8))
      return text
    }
    const { body, event } = content as WebhookContent
    const own = Object.entries(headers).map(([name, value]) => [name, reveal(value)] as const)
    const post = {
      url: reveal(url),
      body,
      headers: {
        ...Object.fromEntries(own),
        'x-rouse-event': event,
        'x-rouse-delivery': id,
        'idempotency-key': id,
        ...(key && signed(body, reveal(key))),
      },
    }
    await postJson(post, { signal, secrets })
  }

  #bodyOf(payload: WebhookPayload, event: NoticeEvent): string | undefined {
    const { format } = this.#options
    let body: string | undefined
    try {
      const value = format ? format(payload, event) : payload
      if (value instanceof Promise) throw new TypeError('it must give its result at once, not a promise')
      body = JSON.stringify(value)
    } catch (error) {
      const message = `the function format of the reporter failed: ${messageOf(error)}`
      throw new DeliveryError(message, { worth: 'never', cause: error })
    }
    if (body === undefined || Buffer.byteLength(body) <= maxBody) return body
    throw new DeliveryError(`format gave more than ${maxBody} bytes of JSON`, { worth: 'never' })
  }

  /** Without the path, which for many receivers is what lets us in. */
  get #target(): string {
    const { url } = this.#options
    return isSecret(url) ? this.name : new URL(url).host
  }
}

/** The time is signed too, so that nobody can send the same again later. */
function signed(body: string, key: string): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000))
  const digest = createHmac('sha256', key).update(`${timestamp}.${body}`).digest('hex')
  return { 'x-rouse-timestamp': timestamp, 'x-rouse-signature-256': `sha256=${digest}` }
}

const maxBody = 384 * 1024
