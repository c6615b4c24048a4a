import type { ReporterDescription } from '../reporter-description.ts'
import type { CommitState, StatusHost } from './commit-status.ts'
import type { CommitStatusOptions } from './commit-status-options.ts'
import { describeStatus } from './describe-status.ts'
import { webOf } from './web-of.ts'

/**
 * Commit statuses on GitHub, or on a GitHub Enterprise Server named by `baseUrl`. The token is a fine-grained one with "Commit statuses:
 * read and write" for the repositories, or a classic one with `repo:status`.
 */
export function githubStatus(options: CommitStatusOptions): ReporterDescription {
  return describeStatus({
    kind: 'github',
    options,
    tokenName: 'GITHUB_TOKEN',
    checks: {},
    host: ({ baseUrl = 'https://github.com/' }) => githubHost(baseUrl),
  })
}

export function githubHost(baseUrl: string): StatusHost {
  const web = webOf(baseUrl.replace(/^https:\/\/api\./, 'https://'), /\/api\/v3$/)
  return {
    web,
    api: apiOf(web),
    ...(web.hostname === 'github.com' && { sshHost: 'ssh.github.com' }),
    limits: { context: 255, description: 140 },
    post: ({ context, description, repository, revision, state, url }) => ({
      path: `/repos/${repository}/statuses/${revision}`,
      body: { state: states[state], context, description, target_url: url },
    }),
    headers: (token) => ({
      authorization: `Bearer ${token}`,
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
    }),
    advice: {
      401: 'GitHub does not accept the token: it is wrong or has expired.',
      403: 'The token needs "Commit statuses: read and write" for this repository (a classic one: the scope repo:status).',
      404: 'The repository is not there, or the token does not reach it: it needs "Commit statuses: read and write" for it.',
      422: 'Push the commit to this repository before it is built.',
    },
  }
}

function apiOf(web: URL): string {
  const isCloud = web.hostname === 'github.com' || web.hostname.endsWith('.ghe.com')
  return isCloud ? `https://api.${web.hostname}` : `${web.href}api/v3`
}

// A status of GitHub has no word for "running", and none for "cancelled".
const states: Readonly<Record<CommitState, string>> = {
  pending: 'pending',
  running: 'pending',
  success: 'success',
  failure: 'failure',
  error: 'error',
  cancelled: 'error',
}
