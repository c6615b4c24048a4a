import { basicOrBearer } from './basic-or-bearer.ts'
import type { CommitState, StatusHost } from './commit-status.ts'
import { keyOf } from './key-of.ts'

export function bitbucketCloudHost(user?: string): StatusHost {
  return {
    web: new URL('https://bitbucket.org/'),
    api: 'https://api.bitbucket.org/2.0',
    sshHost: 'altssh.bitbucket.org',
    limits: { context: 255, description: 255 },
    post: ({ branch, context, description, repository, revision, state, url }) => ({
      path: `/repositories/${repository}/commit/${revision}/statuses/build`,
      body: {
        state: states[state],
        key: keyOf(context, 40),
        name: context,
        description,
        url,
        ...(branch && { refname: branch.replace(/^refs\/(heads|tags)\//, '') }),
      },
    }),
    headers: (token) => ({ authorization: basicOrBearer(token, user) }),
    advice: {
      401: 'Bitbucket does not accept the token. One of a user (an API token, an app password) needs the option user as well.',
      403: 'The token needs the permission to write to this repository.',
      404: 'The repository or the commit is not there, or the token does not reach the repository.',
    },
  }
}

const states: Readonly<Record<CommitState, string>> = {
  pending: 'INPROGRESS',
  running: 'INPROGRESS',
  success: 'SUCCESSFUL',
  failure: 'FAILED',
  error: 'FAILED',
  cancelled: 'STOPPED',
}
