import type { Draft } from '../reporter.ts'
import { oneLine, plainText } from '../plain-text.ts'
import type { Address } from './addresses.ts'
import { askTemplate, type Asked } from './ask-template.ts'
import { letterHtml } from './letter-html.ts'
import { letterText } from './letter-text.ts'
import type { Letter } from './letter.ts'
import type { MailAttachment, MailContent } from './mail-content.ts'
import type { MailBody, MailTemplate } from './mail-options.ts'
import type { StandardMail } from './report.ts'
import type { MailSettings } from './settings.ts'

export interface Writing<Report> {
  readonly report: Report
  readonly letter: Letter
  readonly to: readonly Address[]
  /** What people should know of this mail besides. */
  readonly notes: readonly string[]
  readonly thread: string
  readonly listId: string
  readonly attachments: readonly MailAttachment[]
  readonly templates: {
    readonly subject: MailTemplate<Report, string> | undefined
    readonly subjectName: string
    readonly body: MailTemplate<Report, MailBody> | undefined
    readonly bodyName: string
  }
  readonly signal: AbortSignal
}

/** The message to be stored: the letter, as the user's templates have it. */
export async function writeDraft<Report>(
  { clock }: MailSettings,
  { attachments, letter, listId, notes, report, signal, templates, thread, to }: Writing<Report>,
): Promise<Draft> {
  const { body, bodyName, subject, subjectName } = templates
  const standard = standardMail(letter, notes)
  const asked: Asked<string> = await askTemplate(
    subjectName,
    subject,
    { report, standard, instead: standard.subject, isRight: isText },
    { clock, signal },
  )
  const answer = await askTemplate<Report, MailBody>(
    bodyName,
    body,
    { report, standard, instead: standard, isRight: isBody },
    { clock, signal },
  )
  const failures = [asked.note, answer.note].filter((note) => note !== undefined)
  const again = answer.value === standard && failures.length > 0
  const chosen = again ? standardMail(letter, [...notes, ...failures]) : answer.value
  return {
    target: oneLine(to.map(({ address }) => address).join(', '), 200),
    subject: oneLine(asked.value, 200),
    content: {
      to,
      ...bounded(typeof chosen === 'string' ? { text: chosen } : chosen),
      thread,
      listId,
      attachments,
    } satisfies MailContent,
  }
}

function standardMail(letter: Letter, notes: readonly string[]): StandardMail {
  const noted = { ...letter, footer: [...notes.map((note) => [note]), ...letter.footer] }
  return { subject: letter.subject, text: letterText(noted), html: letterHtml(noted) }
}

// Half of an HTML page is none; the text says the same.
function bounded({ html, text }: { text: string; html?: string }): Pick<MailContent, 'html' | 'text'> {
  const cut = plainText(text.slice(0, maxText))
  return html === undefined || html.length > maxHtml
    ? { text: cut }
    : { text: cut, html: html.replaceAll('\0', '').toWellFormed() }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== ''
}

function isBody(value: unknown): boolean {
  if (isText(value)) return true
  if (typeof value !== 'object' || value === null) return false
  const { html, text } = value as Record<string, unknown>
  return isText(text) && (html === undefined || typeof html === 'string')
}

const maxText = 100_000
const maxHtml = 200_000
