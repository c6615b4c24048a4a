import { expect, test } from 'vitest'
import type { NoticeEvent } from '../../../src/model/notice-event.ts'
import type { Result } from '../../../src/model/results.ts'
import { secret } from '../../../src/model/secret.ts'
import { bitbucketCloudHost } from '../../../src/reporters/status/bitbucket-cloud-host.ts'
import { bitbucketServerHost } from '../../../src/reporters/status/bitbucket-server-host.ts'
import { bitbucketStatus } from '../../../src/reporters/status/bitbucket-status.ts'
import { commitStates } from '../../../src/reporters/status/commit-status.ts'
import { giteaHost, giteaStatus } from '../../../src/reporters/status/gitea-status.ts'
import { githubHost, githubStatus } from '../../../src/reporters/status/github-status.ts'
import { gitlabHost, gitlabStatus } from '../../../src/reporters/status/gitlab-status.ts'
import { StatusReporter } from '../../../src/reporters/status/status-reporter.ts'
import { fakeService, type Scripted } from '../fake-service.ts'
import { rejectionOf } from '../rejection-of.ts'
import { commit, sendTools } from '../sample-facts.ts'
import { messageOf, ready, told, token } from './ready-status.ts'

const completed: NoticeEvent = { type: 'request.completed', request: 12, result: 'SUCCESS' }

test.each([
  ['success', '/repos/acme/app/statuses/', 'success'],
  ['failure', '/repos/acme/app/statuses/', 'failure'],
])('GitHub is told of %s', async (_name, path, state) => {
  const result: Result = state === 'success' ? 'SUCCESS' : 'FAILURE'
  const { received } = await told(githubStatus, result, 201)
  expect(received).toMatchObject({
    method: 'POST',
    path: `/api/v3${path}${commit}`,
    headers: { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json' },
  })
  expect(JSON.parse(received.body)).toEqual({
    state,
    context: 'rouse/unit',
    description: `Build 17 ${state === 'success' ? 'succeeded' : 'failed'} after 3 m 2 s`,
    target_url: 'https://ci.acme.example/#/builds/17',
  })
})

test('GitLab is told', async () => {
  const { received } = await told(gitlabStatus, 'FAILURE', 201, { repository: 'group/sub/app' })
  expect(received).toMatchObject({
    path: `/api/v4/projects/group%2Fsub%2Fapp/statuses/${commit}`,
    headers: { 'private-token': token },
  })
  expect(JSON.parse(received.body)).toEqual({
    state: 'failed',
    name: 'rouse/unit',
    description: 'Build 17 failed after 3 m 2 s',
    target_url: 'https://ci.acme.example/#/builds/17',
    ref: 'main',
  })
})

test('Gitea is told', async () => {
  const { received } = await told(giteaStatus, 'EXCEPTION', 201)
  expect(received).toMatchObject({
    path: `/api/v1/repos/acme/app/statuses/${commit}`,
    headers: { authorization: `token ${token}` },
  })
  expect(JSON.parse(received.body)).toMatchObject({ state: 'error', context: 'rouse/unit' })
})

test('Bitbucket Data Center is told', async () => {
  const { received } = await told(bitbucketStatus, 'CANCELLED', 204, { repository: '~bob/app' })
  expect(received).toMatchObject({
    path: `/rest/api/latest/projects/~bob/repos/app/commits/${commit}/builds`,
    headers: { authorization: `Bearer ${token}` },
  })
  expect(JSON.parse(received.body)).toMatchObject({
    state: 'CANCELLED',
    key: 'rouse/unit',
    name: 'rouse/unit',
  })
})

test('Bitbucket Cloud is told, also with a token that belongs to a user', async () => {
  const service = await fakeService({ status: 201 })
  const host = { ...bitbucketCloudHost('bob@acme.example'), api: service.url }
  const options = { token: secret('TOKEN'), repository: 'acme/app', context: 'c'.repeat(60) }
  const reporter = new StatusReporter({ name: 'bb', kind: 'bitbucket', host, options })
  await reporter.send(await messageOf(reporter, completed), sendTools({ TOKEN: token }))
  const [received] = service.received
  expect(received).toMatchObject({
    path: `/repositories/acme/app/commit/${commit}/statuses/build`,
    headers: { authorization: `Basic ${Buffer.from(`bob@acme.example:${token}`).toString('base64')}` },
  })
  expect(JSON.parse(received!.body)).toEqual({
    state: 'SUCCESSFUL',
    key: expect.stringMatching(/^[0-9a-f]{40}$/),
    name: 'c'.repeat(60),
    description: 'Build 17 succeeded after 3 m 2 s',
    url: 'https://ci.acme.example/#/builds/17',
    refname: 'main',
  })
})

test('every state has a word at every host', () => {
  const hosts = [
    githubHost('https://github.com'),
    gitlabHost('https://gitlab.com'),
    giteaHost('https://git.acme.example'),
    bitbucketCloudHost(),
    bitbucketServerHost('https://bb.acme.example'),
  ]
  const words = hosts.map((host) =>
    commitStates.map((state) => {
      const rest = {
        repository: 'a/b',
        revision: commit,
        context: 'c',
        description: 'd',
        url: 'u',
        branch: null,
      }
      return (host.post({ ...rest, state }).body as { state: string }).state
    }),
  )
  expect(words).toEqual([
    ['pending', 'pending', 'success', 'failure', 'error', 'error'],
    ['pending', 'running', 'success', 'failed', 'failed', 'canceled'],
    ['pending', 'pending', 'success', 'failure', 'error', 'error'],
    ['INPROGRESS', 'INPROGRESS', 'SUCCESSFUL', 'FAILED', 'FAILED', 'STOPPED'],
    ['INPROGRESS', 'INPROGRESS', 'SUCCESSFUL', 'FAILED', 'FAILED', 'CANCELLED'],
  ])
})

test.each([
  ['https://github.com', 'https://api.github.com'],
  ['https://github.com/', 'https://api.github.com'],
  ['https://api.github.com', 'https://api.github.com'],
  ['https://acme.ghe.com', 'https://api.acme.ghe.com'],
  ['https://github.acme.example', 'https://github.acme.example/api/v3'],
  ['https://github.acme.example/api/v3/', 'https://github.acme.example/api/v3'],
])('GitHub at %s is asked at %s', (baseUrl, api) => {
  expect(githubHost(baseUrl).api).toBe(api)
})

test('the address of an API is taken for the host that it belongs to', () => {
  expect(gitlabHost('https://acme.example/gitlab/api/v4').web.href).toBe('https://acme.example/gitlab/')
  expect(gitlabHost('https://acme.example/gitlab').api).toBe('https://acme.example/gitlab/api/v4')
})

test.each<[string, Scripted, object]>([
  ['fails', { status: 502 }, { worth: 'later' }],
  ['limits the rate', { status: 429, headers: { 'retry-after': '30' } }, { worth: 'later', retryAfter: 30 }],
  [
    'limits the rate in its own way',
    { status: 403, headers: { 'x-ratelimit-remaining': '0', 'retry-after': '60' } },
    { worth: 'later', retryAfter: 60 },
  ],
  [
    'gives no permission',
    { status: 403, body: '{"message":"Resource not accessible by personal access token"}' },
    { worth: 'never', advice: expect.stringContaining('Commit statuses: read and write') },
  ],
  [
    'shows no repository',
    { status: 404, body: '{"message":"Not Found"}' },
    { worth: 'never', advice: expect.stringContaining('does not reach it') },
  ],
  [
    'does not know the commit',
    { status: 422, body: `{"message":"No commit found for SHA: ${commit}"}` },
    { worth: 'never', message: expect.stringContaining('No commit found for SHA') },
  ],
  ['closes the connection', (_request, _response, incoming) => incoming.socket.destroy(), { worth: 'later' }],
])('GitHub %s', async (_what, answer, expected) => {
  const { reporter, message } = await ready(githubStatus, 'SUCCESS', [answer])
  const error = await rejectionOf(reporter.send(message, sendTools({ TOKEN: token })))
  expect(error).toMatchObject(expected)
})

test('after a while of trouble GitHub is told all the same', async () => {
  const { message, reporter, service } = await ready(githubStatus, 'SUCCESS', [
    { status: 500 },
    { status: 201 },
  ])
  await rejectionOf(reporter.send(message, sendTools({ TOKEN: token })))
  await reporter.send({ ...message, attempt: 2 }, sendTools({ TOKEN: token }))
  expect(service.received[1]!.body).toBe(service.received[0]!.body)
})

test.each([
  [':run from :running', 'done'],
  [':enqueue from :pending', 'done'],
  [':enqueue from :running', 'done'],
  [':success from :success', 'done'],
  [':success from :canceled', 'refused'],
])('GitLab that cannot go %s: %s', async (how, outcome) => {
  const body = JSON.stringify({ message: `Cannot transition status via ${how} (Reason(s): no)` })
  const { message, reporter } = await ready(gitlabStatus, 'SUCCESS', [{ status: 400, body }])
  const sent = reporter.send(message, sendTools({ TOKEN: token }))
  if (outcome === 'done') await expect(sent).resolves.toBeUndefined()
  else expect(await rejectionOf(sent)).toMatchObject({ worth: 'never' })
})
