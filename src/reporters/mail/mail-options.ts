import type { Secret } from '../../model/secret.ts'
import type { Mode } from './modes.ts'
import type { BuildReport, BuildsetReport, StandardMail, WorkerReport } from './report.ts'

/** How the connection to the relay is protected. */
export type MailTls = 'implicit' | 'none' | 'opportunistic' | 'starttls'

/** What `mailNotifier` takes: Buildbot's MailNotifier in camelCase. */
export interface MailOptions {
  /** What tells it from other notifiers. Default 'mail'. */
  readonly name?: string
  /** The sender: 'ci@acme.example' or 'Acme CI <ci@acme.example>'. */
  readonly fromaddr: string
  /** The server that takes the mail. Default 'localhost'. */
  readonly relayhost?: string
  /** Default 25; with a `user` 587; with `tls: 'implicit'` 465. */
  readonly port?: number
  /**
   * 'starttls': encrypted, or nothing is sent; 'implicit': encrypted from the first byte, as on port 465; 'opportunistic': encrypted
   * where the relay offers it, whoever it may be; 'none'. Default 'starttls' with a `user`, else 'opportunistic'.
   */
  readonly tls?: MailTls
  /** Path of a PEM file with a certificate authority to trust besides the usual ones. */
  readonly caFile?: string
  readonly user?: string | Secret
  readonly password?: string | Secret
  /** Only builds of these. `[]`: none, so that only mail about workers is sent. Default: all. */
  readonly builders?: readonly string[]
  /** Whether it brings the mail about workers: true (default), false, or only about these. */
  readonly workers?: boolean | readonly string[]
  /** Of which builds is told. Default ['failing', 'passing', 'warnings'], as in Buildbot. */
  readonly mode?: Mode | readonly Mode[]
  /** One mail for all builds of a buildset, once the last has ended. Default false. */
  readonly perBuildset?: boolean
  /** Who gets every mail about builds. */
  readonly extraRecipients?: readonly string[]
  /** Whether the authors of a build's changes get it. Default true. */
  readonly sendToInterestedUsers?: boolean
  /** Whether the people named by the properties `owner` and `owners` get it. Default as `sendToInterestedUsers`. */
  readonly owners?: boolean
  /**
   * Where people get their mail whose address is not in the change: a domain, or a function that is asked for everyone and has 10 s;
   * undefined: this one gets none.
   */
  readonly lookup?: string | MailLookup
  /** The subject of mails about builds. */
  readonly subject?: MailTemplate<BuildReport | BuildsetReport, string>
  /** The body of mails about builds: text, or text and HTML. */
  readonly body?: MailTemplate<BuildReport | BuildsetReport, MailBody>
  /** The same of mails about workers. */
  readonly workerSubject?: MailTemplate<WorkerReport, string>
  readonly workerBody?: MailTemplate<WorkerReport, MailBody>
  /** Attach logs: all, or those with these names ('stdio', or 'test.stdio' for those of one step). Default false. */
  readonly addLogs?: boolean | readonly string[]
  /** Attach artifacts: all, or those with these names. Default false. */
  readonly addArtifacts?: boolean | readonly string[]
  /** Bytes that the attachments of one mail may have together; what does not fit is linked only. Default 5 MiB, at most 50 MiB. */
  readonly maxAttachmentSize?: number
  /** More headers for every mail. */
  readonly extraHeaders?: Readonly<Record<string, string>>
  readonly replyTo?: string | readonly string[]
}

export type MailLookup = (person: string) => string | undefined | null | Promise<string | undefined | null>

/** What a template gives: the text, or text and HTML. */
export type MailBody = string | { readonly text: string; readonly html?: string }

/** Gets the facts, and the mail as it would be without it. What fails or takes more than 10 s gives way to that mail. */
export type MailTemplate<Report, Answer> = (
  report: Report,
  standard: StandardMail,
) => Answer | Promise<Answer>
