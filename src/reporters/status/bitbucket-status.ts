import type { ReporterDescription } from '../reporter-description.ts'
import { aText, optional } from '../option-checks.ts'
import { bitbucketCloudHost } from './bitbucket-cloud-host.ts'
import { bitbucketServerHost } from './bitbucket-server-host.ts'
import type { CommitStatusOptions } from './commit-status-options.ts'
import { describeStatus } from './describe-status.ts'

export interface BitbucketStatusOptions extends CommitStatusOptions {
  /** Whom the token belongs to: needed for an API token or an app password, not for an access token. */
  readonly user?: string
}

/**
 * Build statuses on Bitbucket Cloud, or on a Bitbucket Server or Data Center named by `baseUrl`. The token is an access token of
 * repository, project or workspace that may write to repositories (Cloud), or an HTTP access token that may read them (Data Center).
 */
export function bitbucketStatus(options: BitbucketStatusOptions): ReporterDescription {
  return describeStatus({
    kind: 'bitbucket',
    options,
    tokenName: 'BITBUCKET_TOKEN',
    checks: { user: optional(aText) },
    host: ({ baseUrl = 'https://bitbucket.org/', user }) =>
      isCloud(baseUrl) ? bitbucketCloudHost(user) : bitbucketServerHost(baseUrl, user),
  })
}

function isCloud(baseUrl: string): boolean {
  return /^(api\.)?bitbucket\.org$/.test(new URL(baseUrl).hostname)
}
