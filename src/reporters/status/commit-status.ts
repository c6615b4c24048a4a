import type { AdviceByStatus, Answer } from '../http/refusal.ts'
import type { RepositoryHost } from './repository-of.ts'

/** What a commit shows of one builder. */
export interface CommitStatus {
  /** 'owner/name'. */
  readonly repository: string
  /** A full commit id. */
  readonly revision: string
  readonly state: CommitState
  readonly context: string
  readonly description: string
  /** Of the page with more. */
  readonly url: string
  readonly branch: string | null
}

export const commitStates = ['pending', 'running', 'success', 'failure', 'error', 'cancelled'] as const
export type CommitState = (typeof commitStates)[number]

/** How a host is told. */
export interface StatusHost extends RepositoryHost {
  /** Without a trailing slash. */
  readonly api: string
  readonly limits: { readonly context: number; readonly description: number }
  /** What is posted, below `api`: stored, so it holds no token. */
  readonly post: (status: CommitStatus) => { readonly path: string; readonly body: object }
  readonly headers: (token: string) => Readonly<Record<string, string>>
  readonly advice: AdviceByStatus
  /** An answer that is no 2xx and yet means that the commit shows what it should. */
  readonly isDone?: (answer: Answer) => boolean
}
