import { expect, test } from 'vitest'
import { interpolate } from '../../../src/model/interpolate.ts'
import type { NoticeEvent } from '../../../src/model/notice-event.ts'
import { secret } from '../../../src/model/secret.ts'
import { githubStatus } from '../../../src/reporters/status/github-status.ts'
import { rejectionOf } from '../rejection-of.ts'
import { commit, endedBuild, sampleBuild, sampleRequest } from '../sample-facts.ts'
import { drafts, openIn } from './ready-status.ts'

const completed: NoticeEvent = { type: 'request.completed', request: 12, result: 'SUCCESS' }

test('a commit that the source does not name is the one that was checked out', async () => {
  const reporter = openIn(githubStatus, { token: secret('TOKEN') })
  const source = { repository: 'git@github.com:acme/app.git', branch: 'main', revision: null }
  const request = sampleRequest({ source })
  expect(await drafts(reporter, { type: 'request.submitted', request: 12 }, { requests: [request] })).toEqual(
    [],
  )
  const ended = endedBuild('SUCCESS')
  const properties = [{ name: 'got_revision', value: commit.toUpperCase(), source: 'step' } as const]
  const build = { ...ended, properties, request: { ...ended.request, source } }
  const [draft] = await drafts(reporter, completed, { builds: [build] })
  expect(draft?.content).toMatchObject({ path: `/repos/acme/app/statuses/${commit}` })
})

test.each([
  ['a short id', { revision: commit.slice(0, 10) }],
  ['a tag', { revision: 'v1.0' }],
  ['no commit', { revision: null }],
  ['an address of another host', { repository: 'https://gitlab.com/acme/app.git' }],
  ['no address', { repository: '' }],
])('nothing is told of %s', async (_what, more) => {
  const reporter = openIn(githubStatus, { token: secret('TOKEN') })
  const ended = endedBuild('SUCCESS')
  const forged = [{ name: 'got_revision', value: commit, source: 'force' } as const]
  const request = { ...ended.request, source: { ...ended.request.source, ...more } }
  expect(await drafts(reporter, completed, { builds: [{ ...ended, request, properties: forged }] })).toEqual(
    [],
  )
})

test('a repository in the options serves sources without an address', async () => {
  const ended = endedBuild('SUCCESS')
  const request = { ...ended.request, source: { ...ended.request.source, repository: '' } }
  const known = { builds: [{ ...ended, request }] }
  const fixed = openIn(githubStatus, { token: secret('TOKEN'), repository: 'acme/app' })
  expect(await drafts(fixed, completed, known)).toMatchObject([{ target: 'acme/app' }])
  const computed = openIn(githubStatus, {
    token: secret('TOKEN'),
    repository: (about) => (about.request.builder === 'unit' ? 'acme/unit' : undefined),
  })
  expect(await drafts(computed, completed, known)).toMatchObject([{ target: 'acme/unit' }])
})

test('a repository in the options that is none is told to the one who wrote it', async () => {
  const reporter = openIn(githubStatus, { token: secret('TOKEN'), repository: () => '../../evil' })
  const error = await rejectionOf(drafts(reporter, completed, { builds: [endedBuild('SUCCESS')] }))
  expect(error).toMatchObject({ worth: 'never' })
  expect(error.message).toContain('"../../evil"')
})

test('texts can be computed', async () => {
  const reporter = openIn(githubStatus, {
    token: secret('TOKEN'),
    context: interpolate('ci/%(prop:buildername)s/%(prop:target)s'),
    startDescription: 'Off we go',
    endDescription: ({ build, state }) => `${state} on ${build?.worker}`,
  })
  const [end] = await drafts(reporter, completed, { builds: [endedBuild('SUCCESS')] })
  expect(end?.content).toMatchObject({ body: { context: 'ci/unit/all', description: 'success on bot' } })
  const started: NoticeEvent = { type: 'build.started', request: 12, build: 17 }
  const [start] = await drafts(reporter, started, { builds: [sampleBuild()] })
  expect(start?.content).toMatchObject({ body: { state: 'pending', description: 'Off we go' } })
  expect(start?.lane).toBe(end?.lane)
})

test('a function in the options that fails is told to the one who wrote it', async () => {
  const context = () => {
    throw new Error('oops')
  }
  const reporter = openIn(githubStatus, { token: secret('TOKEN'), context })
  const error = await rejectionOf(drafts(reporter, completed, { builds: [endedBuild('SUCCESS')] }))
  expect(error).toMatchObject({
    worth: 'never',
    message: 'the function context of the reporter failed: oops',
  })
})

test('long texts are cut to what the host takes, in one line', async () => {
  const summary = `first line\nsecond ${'🌅'.repeat(300)}`
  const reporter = openIn(githubStatus, { token: secret('TOKEN'), context: () => 'c'.repeat(300) })
  const [draft] = await drafts(reporter, completed, { builds: [endedBuild('FAILURE', { summary })] })
  const { context, description } = (draft!.content as { body: Record<string, string> }).body
  expect(description).toMatch(/^Build 17 .*: first line second 🌅+…$/u)
  expect(description!.length).toBeLessThanOrEqual(140)
  expect(description!.isWellFormed()).toBe(true)
  expect(context!.length).toBe(255)
})

test('a request without a build leads to its builder', async () => {
  const request = sampleRequest({ builder: 'a/b c', completedAt: new Date(), result: 'CANCELLED' })
  const reporter = openIn(githubStatus, { token: secret('TOKEN') })
  const event: NoticeEvent = { type: 'request.completed', request: 12, result: 'CANCELLED' }
  const [draft] = await drafts(reporter, event, { requests: [request] })
  expect(draft?.content).toMatchObject({
    body: { target_url: 'https://ci.acme.example/#/builders/a%2Fb%20c' },
  })
})

test('nothing that is stored holds the token', async () => {
  const reporter = openIn(githubStatus, { token: secret('TOKEN') })
  const [draft] = await drafts(reporter, completed, { builds: [endedBuild('SUCCESS')] })
  expect(JSON.stringify(draft)).not.toMatch(/token/i)
})
