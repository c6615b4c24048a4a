import { messageOf } from '../../model/errors.ts'
import { withDeadline } from '../../util/with-deadline.ts'
import { oneLine } from '../plain-text.ts'
import type { MailTemplate } from './mail-options.ts'
import type { StandardMail } from './report.ts'
import type { MailSettings } from './settings.ts'

/** What went into one mail besides its facts. */
export interface Asked<T> {
  readonly value: T
  /** Why the template's answer is not in it: people hear of the build all the same. */
  readonly note?: string
}

/** Asks a template of the user's, and takes `standard` when there is none or it fails. */
export async function askTemplate<Report, T>(
  name: string,
  template: MailTemplate<Report, T> | undefined,
  { report, standard, isRight, instead }: Question<Report, T>,
  { clock, signal }: { clock: MailSettings['clock']; signal: AbortSignal },
): Promise<Asked<T>> {
  if (!template) return { value: instead }
  try {
    const value = await withDeadline(async () => template(report, standard), { clock, ms: patience, signal })
    if (isRight(value)) return { value }
    return { value: instead, note: `The template \`${name}\` gave no text, so this is the usual mail.` }
  } catch (error) {
    signal.throwIfAborted()
    const why = oneLine(messageOf(error), 200)
    return { value: instead, note: `The template \`${name}\` failed (${why}), so this is the usual mail.` }
  }
}

export interface Question<Report, T> {
  readonly report: Report
  readonly standard: StandardMail
  readonly instead: T
  readonly isRight: (value: unknown) => boolean
}

const patience = 10_000
