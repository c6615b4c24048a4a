import { readFile } from 'node:fs/promises'
import { getCACertificates } from 'node:tls'
import { RouseError, messageOf } from '../../model/errors.ts'
import type { Secret } from '../../model/secret.ts'
import { DeliveryError } from '../delivery-error.ts'
import type { Message, Receipt, SendTools } from '../reporter.ts'
import { explainMailFailure, isTemporary, refusalOf, type MailFailure } from './explain-mail-failure.ts'
import { automatic } from './headers.ts'
import type { MailAttachment, MailContent } from './mail-content.ts'
import type { MailSettings } from './settings.ts'
import { messageId } from './threads.ts'

/** Brings one mail to the relay, over a connection of its own. Rejects with a DeliveryError. */
export async function sendMail(
  settings: MailSettings,
  message: Message,
  tools: SendTools,
): Promise<Receipt | void> {
  const content = message.content as MailContent
  const recipients = content.rest ?? content.to.map(({ address }) => address)
  const mail = await mailOf(settings, message, tools)
  // Only here: who starts a master or checks a config need not wait for it.
  const { createTransport } = await import('nodemailer')
  const transport = createTransport(await transportOptions(settings, tools))
  try {
    const info = await transport.sendMail({
      ...mail,
      envelope: { from: settings.from.address, to: [...recipients] },
      signal: tools.signal,
    })
    return receiptOf(message, info.rejectedErrors)
  } catch (error) {
    throw explainMailFailure(error as MailFailure, settings)
  } finally {
    transport.close()
  }
}

async function mailOf({ extraHeaders, from, replyTo }: MailSettings, message: Message, tools: SendTools) {
  const { attachments, html, listId, text, thread, to } = message.content as MailContent
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1)
  const root = messageId(thread, domain)
  return {
    from: { ...from },
    to: to.map((one) => ({ ...one })),
    ...(replyTo.length > 0 && { replyTo: replyTo.map((one) => ({ ...one })) }),
    subject: message.subject,
    text,
    ...(html !== undefined && { html }),
    date: message.createdAt,
    messageId: messageId(message.id, domain),
    inReplyTo: root,
    references: root,
    headers: { ...extraHeaders, ...automatic, 'List-Id': listId },
    attachments: await Promise.all(attachments.map((one) => read(one, tools))),
    // Nothing that a mail holds is a path or an address to be read.
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

async function read({ filename, id, kind, size, type }: MailAttachment, { facts }: SendTools) {
  const bytes = kind === 'log' ? await facts.logBytes(id, size) : await facts.artifactBytes(id, size)
  if (bytes) return { filename, content: bytes, contentType: type }
  return { filename: `${filename}.missing.txt`, content: 'It was removed before this mail was sent.' }
}

async function transportOptions(settings: MailSettings, tools: SendTools) {
  const { caFile, host, login, port, tls } = settings
  const auth = login && { user: plain(login.user, tools), pass: plain(login.password, tools) }
  return {
    host,
    port,
    secure: tls === 'implicit',
    ignoreTLS: tls === 'none',
    requireTLS: tls === 'starttls',
    opportunisticTLS: tls === 'opportunistic',
    tls: {
      // Who takes also no encryption has no use for a proof of who it is.
      rejectUnauthorized: tls !== 'opportunistic',
      ...(caFile !== undefined && { ca: [...getCACertificates('default'), await readCa(caFile)] }),
    },
    ...(auth && { auth, forceAuth: true }),
    connectionTimeout: patience,
    greetingTimeout: patience,
    dnsTimeout: patience,
    socketTimeout: 2 * patience,
    socketCloseTimeout: 1000,
  }
}

function plain(value: string | Secret, tools: SendTools): string {
  if (typeof value === 'string') return value
  try {
    return tools.secret(value.name)
  } catch (error) {
    if (!(error instanceof RouseError)) throw error
    throw new DeliveryError(error.message, { advice: error.advice, cause: error })
  }
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new DeliveryError(`the certificate authority cannot be read: ${messageOf(error)}`, {
      advice: 'Mend `caFile` of the mail notifier.',
      cause: error,
    })
  }
}

/** The relay took it for some. For those it refused for good, nothing more is done; the others are tried again. */
function receiptOf(message: Message, refused: readonly MailFailure[] | undefined): Receipt | undefined {
  if (!refused || refused.length === 0) return undefined
  const note = refused.map(refusalOf).join('; ')
  const later = refused.filter(isTemporary).flatMap(({ recipient }) => recipient ?? [])
  if (later.length === 0) return { note }
  const content: MailContent = { ...(message.content as MailContent), rest: later }
  return {
    note,
    rest: { target: later.join(', ').slice(0, 200), subject: message.subject, content },
  }
}

const patience = 30_000
