import type { ReporterDescription } from '../reporter-description.ts'
import type { CommitState, StatusHost } from './commit-status.ts'
import type { CommitStatusOptions } from './commit-status-options.ts'
import { describeStatus } from './describe-status.ts'
import { webOf } from './web-of.ts'

export interface GiteaStatusOptions extends CommitStatusOptions {
  /** Of the Gitea or Forgejo: 'https://git.acme.example/'. */
  readonly baseUrl: string
}

/** Commit statuses on Gitea or Forgejo. The token has the permission "repository: read and write". */
export function giteaStatus(options: GiteaStatusOptions): ReporterDescription {
  return describeStatus({
    kind: 'gitea',
    options,
    tokenName: 'GITEA_TOKEN',
    checks: {},
    baseUrl: "the address of your Gitea or Forgejo, such as 'https://git.example.com/'",
    host: ({ baseUrl }) => giteaHost(baseUrl),
  })
}

export function giteaHost(baseUrl: string): StatusHost {
  const web = webOf(baseUrl, /\/api\/v1$/)
  return {
    web,
    api: `${web.href}api/v1`,
    limits: { context: 255, description: 255 },
    post: ({ context, description, repository, revision, state, url }) => ({
      path: `/repos/${repository}/statuses/${revision}`,
      body: { state: states[state], context, description, target_url: url },
    }),
    headers: (token) => ({ authorization: `token ${token}` }),
    advice: {
      401: 'It does not accept the token: it is wrong or was removed.',
      403: 'The token needs "repository: read and write", and its user must be able to push to this repository.',
      404: 'The repository or the commit is not there, or the token does not reach the repository.',
    },
  }
}

// "warning" would count as not passed where a branch is protected.
const states: Readonly<Record<CommitState, string>> = {
  pending: 'pending',
  running: 'pending',
  success: 'success',
  failure: 'failure',
  error: 'error',
  cancelled: 'error',
}
