import type { ReporterDescription } from '../reporter-description.ts'
import type { CommitState, StatusHost } from './commit-status.ts'
import type { CommitStatusOptions } from './commit-status-options.ts'
import { describeStatus } from './describe-status.ts'
import { webOf } from './web-of.ts'

/**
 * Commit statuses (external jobs of a pipeline) on gitlab.com, or on a GitLab of your own named by `baseUrl`. The token is a personal,
 * group or project access token with the scope `api` and the role Developer.
 */
export function gitlabStatus(options: CommitStatusOptions): ReporterDescription {
  return describeStatus({
    kind: 'gitlab',
    options,
    tokenName: 'GITLAB_TOKEN',
    checks: {},
    host: ({ baseUrl = 'https://gitlab.com/' }) => gitlabHost(baseUrl),
  })
}

export function gitlabHost(baseUrl: string): StatusHost {
  const web = webOf(baseUrl, /\/api\/v4$/)
  return {
    web,
    api: `${web.href}api/v4`,
    nested: true,
    ...(web.hostname === 'gitlab.com' && { sshHost: 'altssh.gitlab.com' }),
    limits: { context: 255, description: 255 },
    post: ({ branch, context, description, repository, revision, state, url }) => ({
      path: `/projects/${encodeURIComponent(repository)}/statuses/${revision}`,
      body: {
        state: states[state],
        name: context,
        description,
        target_url: url,
        ...(branch && { ref: branch.replace(/^refs\/(heads|tags)\//, '') }),
      },
    }),
    headers: (token) => ({ 'private-token': token }),
    advice: {
      401: 'GitLab does not accept the token: it is wrong, has expired, or lacks the scope "api".',
      403: 'The token needs the scope "api", and the role Developer in this project.',
      404: 'The project or the commit is not there, or the token does not reach the project.',
    },
    isDone: ({ status, text }) => status === 400 && isStatedAlready(text),
  }
}

/** 'Cannot transition status via :run from :running': older ones refuse what is shown already, and to go back to waiting. */
function isStatedAlready(text: string): boolean {
  const [, event = '', from = ''] = /Cannot transition status via :(\w+) from :(\w+)/.exec(text) ?? []
  return event === 'enqueue' || (event !== '' && resulting[event] === from)
}

const resulting: Readonly<Record<string, string>> = {
  run: 'running',
  success: 'success',
  drop: 'failed',
  cancel: 'canceled',
}

const states: Readonly<Record<CommitState, string>> = {
  pending: 'pending',
  running: 'running',
  success: 'success',
  failure: 'failed',
  error: 'failed',
  cancelled: 'canceled',
}
