import { expect } from 'vitest'
import { DeliveryError } from '../../../src/reporters/delivery-error.ts'
import type { MailContent } from '../../../src/reporters/mail/mail-content.ts'
import { mailNotifier } from '../../../src/reporters/mail/mail-notifier.ts'
import type { MailOptions } from '../../../src/reporters/mail/mail-options.ts'
import type { Message, Receipt, SendTools } from '../../../src/reporters/reporter.ts'

const bob = { name: 'Bob', address: 'bob@acme.example' }
const eve = { name: '', address: 'eve@acme.example' }

/** A mail to Bob and Eve, as the outbox has it. */
export function message(more: Partial<MailContent> = {}): Message {
  const content: MailContent = {
    to: [bob, eve],
    text: 'Grüße\n',
    html: '<p>Grüße</p>\n',
    thread: 'a1b2',
    listId: '<unit.builders.ci.acme.example>',
    attachments: [],
    ...more,
  }
  return {
    id: 'cluster-17.3',
    target: 'bob@acme.example, eve@acme.example',
    subject: '[Acme] FAILURE: unit – main',
    content,
    createdAt: new Date('2026-11-21T01:04:10Z'),
    attempt: 1,
  }
}

export function toolsWith(more: Partial<SendTools> = {}): SendTools {
  return {
    signal: AbortSignal.timeout(30_000),
    secret: (name) => `value of ${name}`,
    facts: undefined as never,
    site: { title: 'Acme', url: 'https://ci.acme.example/' },
    ...more,
  }
}

/** Sends it by a notifier with these options. */
export function send(
  options: Partial<MailOptions>,
  mail: Message = message(),
  tools: SendTools = toolsWith(),
): Promise<Receipt | void> {
  const all = { fromaddr: 'Acme CI <ci@acme.example>', relayhost: '127.0.0.1', ...options }
  const description = mailNotifier(all)
  expect(description.mistakes(all)).toEqual([])
  return description.open(all, 'mail').send(mail, tools)
}

export async function failureOf(sending: Promise<unknown>): Promise<DeliveryError> {
  const error = await sending.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(DeliveryError)
  return error as DeliveryError
}
