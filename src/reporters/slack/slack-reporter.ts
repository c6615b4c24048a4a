import type { NoticeEvent } from '../../model/notice-event.ts'
import { postJson } from '../http/post-json.ts'
import { secretParts } from '../http/secret-parts.ts'
import { isWanted, type Mode } from '../mail/modes.ts'
import type { ComposeTools, Draft, Interest, Message, Reporter, SendTools } from '../reporter.ts'
import { tellEvent } from '../tell-event.ts'
import type { SlackOptions } from './slack-options.ts'
import { slackPayload } from './slack-payload.ts'

export class SlackReporter implements Reporter {
  readonly kind = 'slack'
  readonly name: string
  readonly interest: Interest
  readonly #options: SlackOptions
  readonly #modes: readonly Mode[]

  constructor(name: string, options: SlackOptions) {
    const { builders, events, mode = ['failing', 'exception', 'change'] } = options
    this.name = name
    this.#options = options
    this.#modes = typeof mode === 'string' ? [mode] : mode
    this.interest = {
      events: events ?? ['request.completed', 'worker.missing', 'worker.recovered'],
      ...(builders && { builders }),
    }
  }

  async compose(event: NoticeEvent, { facts, site }: ComposeTools): Promise<readonly Draft[]> {
    const told = await tellEvent(event, facts, site)
    if (!told) return []
    if (event.type === 'request.completed' || event.type === 'build.finished') {
      if (!isWanted(this.#modes, event.result, told.request?.previousResult ?? null)) return []
    }
    const { channel } = this.#options
    return [{ target: channel ?? this.name, subject: told.text, content: slackPayload(told, { channel }) }]
  }

  async send({ content }: Message, { secret, signal }: SendTools): Promise<void> {
    const url = secret(this.#options.url.name).trim()
    const post = { url, body: JSON.stringify(content) }
    await postJson(post, { signal, secrets: secretParts(url), advice })
  }
}

const gone = 'The webhook is not there any more. Make a new one and put its address into the secret.'
const advice = {
  400: 'It does not like the message: is the channel right?',
  403: 'It does not permit this: the channel may be restricted, or the webhook switched off.',
  404: gone,
  410: gone,
}
