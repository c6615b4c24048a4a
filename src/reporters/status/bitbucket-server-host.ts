import { basicOrBearer } from './basic-or-bearer.ts'
import type { CommitState, StatusHost } from './commit-status.ts'
import { keyOf } from './key-of.ts'
import { webOf } from './web-of.ts'

/** Bitbucket Server 7.4 or newer, or Data Center. */
export function bitbucketServerHost(baseUrl: string, user?: string): StatusHost {
  const web = webOf(baseUrl, /\/rest(\/.*)?$/)
  return {
    web,
    api: `${web.href}rest/api/latest`,
    httpPrefix: 'scm/',
    limits: { context: 255, description: 255 },
    post: ({ context, description, repository, revision, state, url }) => {
      const [project, name] = repository.split('/')
      return {
        path: `/projects/${project}/repos/${name}/commits/${revision}/builds`,
        body: { state: states[state], key: keyOf(context, 255), name: context, description, url },
      }
    },
    headers: (token) => ({ authorization: basicOrBearer(token, user) }),
    advice: {
      401: 'Bitbucket does not accept the token: it is wrong or has expired.',
      403: 'The token needs the permission to read this repository.',
      404: 'The repository or the commit is not there, or this Bitbucket is older than 7.4.',
    },
  }
}

const states: Readonly<Record<CommitState, string>> = {
  pending: 'INPROGRESS',
  running: 'INPROGRESS',
  success: 'SUCCESSFUL',
  failure: 'FAILED',
  error: 'FAILED',
  cancelled: 'CANCELLED',
}
