import { expect, test } from 'vitest'
import type { NoticeEvent } from '../../../src/model/notice-event.ts'
import { results, type Result } from '../../../src/model/results.ts'
import { aboutStatus } from '../../../src/reporters/status/about-status.ts'
import { commit, endedBuild, factsOf, sampleBuild, sampleRequest } from '../sample-facts.ts'

const submitted: NoticeEvent = { type: 'request.submitted', request: 12 }
const started: NoticeEvent = { type: 'build.started', request: 12, build: 17 }
const completedAt = new Date()

async function shown(event: NoticeEvent, known: Parameters<typeof factsOf>[0]) {
  const about = await aboutStatus(event, factsOf(known))
  return about && `${about.state}: ${about.description}`
}

test('a request that waits is pending', async () => {
  expect(await shown(submitted, { requests: [sampleRequest()] })).toBe('pending: Waiting to be built')
})

test('a build that has started runs', async () => {
  expect(await shown(started, { builds: [sampleBuild()] })).toBe('running: Build 17 runs on bot')
})

test.each<[Result, string | null, string]>([
  ['SUCCESS', null, 'success: Build 17 succeeded after 3 m 2 s'],
  [
    'WARNINGS',
    'test: 2 warnings',
    'success: Build 17 succeeded with warnings after 3 m 2 s: test: 2 warnings',
  ],
  ['FAILURE', 'test: 3 failed', 'failure: Build 17 failed after 3 m 2 s: test: 3 failed'],
  ['EXCEPTION', 'oops', 'error: Build 17 ended in an exception after 3 m 2 s: oops'],
  ['CANCELLED', 'by bob', 'cancelled: Build 17 was cancelled after 3 m 2 s: by bob'],
  [
    'SKIPPED',
    'no step had anything to do',
    'success: Build 17 had nothing to do after 3 m 2 s: no step had anything to do',
  ],
])('a build that ended %s', async (result, summary, text) => {
  const event: NoticeEvent = { type: 'request.completed', request: 12, result }
  expect(await shown(event, { builds: [endedBuild(result, { summary })] })).toBe(text)
})

test.each<[string, Result, Parameters<typeof sampleRequest>[0], string]>([
  [
    'cancelled',
    'CANCELLED',
    { cancelReason: 'bob was faster' },
    'cancelled: Cancelled before it was built: bob was faster',
  ],
  ['cancelled without a reason', 'CANCELLED', {}, 'cancelled: Cancelled before it was built'],
  ['without an instance', 'EXCEPTION', { startFailure: 'no such image' }, 'error: Not built: no such image'],
  ['for no known reason', 'EXCEPTION', {}, 'error: Not built: EXCEPTION'],
  [
    'left out for a newer one',
    'SKIPPED',
    { supersededBy: 13 },
    'cancelled: Not built: the newer request r13 stands for it',
  ],
])('a request that ends without a build: %s', async (_what, result, more, text) => {
  const event: NoticeEvent = { type: 'request.completed', request: 12, result }
  const request = sampleRequest({ completedAt, result, ...more })
  const newer = sampleRequest({ id: 13, source: { ...request.source, revision: 'f'.repeat(40) } })
  expect(await shown(event, { requests: [request, newer] })).toBe(text)
})

test('a request that is left out for another of the same commit leaves the status to that one', async () => {
  const event: NoticeEvent = { type: 'request.completed', request: 12, result: 'SKIPPED' }
  const request = sampleRequest({ completedAt, result: 'SKIPPED', supersededBy: 13 })
  expect(await shown(event, { requests: [request, sampleRequest({ id: 13 })] })).toBeUndefined()
})

test('a build that was lost waits again', async () => {
  const event: NoticeEvent = { type: 'build.finished', request: 12, build: 17, result: 'RETRY' }
  const lost = endedBuild('RETRY', { request: sampleRequest({ build: 17 }) })
  expect(await shown(event, { builds: [lost] })).toBe('pending: Build 17 was lost, waiting to be built again')
  const again = endedBuild('RETRY', { request: sampleRequest({ build: 18 }) })
  expect(await shown(event, { builds: [again] })).toBeUndefined()
})

test.each(results.filter((result) => result !== 'RETRY'))(
  'the end of a build, %s, is told when its request is completed',
  async (result) => {
    const event: NoticeEvent = { type: 'build.finished', request: 12, build: 17, result }
    expect(await shown(event, { builds: [endedBuild(result)] })).toBeUndefined()
  },
)

test.each(results)('a request that ends %s does not stay pending', async (result) => {
  const event: NoticeEvent = { type: 'request.completed', request: 12, result }
  for (const known of [
    { builds: [endedBuild(result)] },
    { requests: [sampleRequest({ completedAt, result })] },
  ]) {
    const about = await aboutStatus(event, factsOf(known))
    expect(['success', 'failure', 'error', 'cancelled']).toContain(about?.state)
  }
})

test('what is told late does not overwrite what came after it', async () => {
  expect(await shown(submitted, { builds: [sampleBuild()] })).toBeUndefined()
  expect(await shown(submitted, { builds: [endedBuild('SUCCESS')] })).toBeUndefined()
  expect(await shown(submitted, { requests: [sampleRequest({ completedAt })] })).toBeUndefined()
  expect(await shown(started, { builds: [endedBuild('SUCCESS')] })).toBeUndefined()
  const second = sampleBuild({ id: 18, attempt: 2, request: sampleRequest({ build: 18 }) })
  expect(await shown(started, { builds: [sampleBuild({ request: second.request }), second] })).toBeUndefined()
})

test('what is gone, and workers, have no status', async () => {
  expect(await shown(submitted, {})).toBeUndefined()
  const flapping = { type: 'worker.flapping', worker: 'bot', losses: 6, at: '', lastReason: '' } as const
  expect(await shown(flapping, {})).toBeUndefined()
})

test('functions in the options see the properties of the build, and of the request before it', async () => {
  const properties = [{ name: 'target', value: 'fast', source: 'step' } as const]
  const running = await aboutStatus(started, factsOf({ builds: [sampleBuild({ properties })] }))
  expect(running?.all()).toEqual({
    buildername: 'unit',
    repository: 'https://github.com/acme/app.git',
    branch: 'main',
    revision: commit,
    target: 'fast',
  })
  const waiting = await aboutStatus(submitted, factsOf({ requests: [sampleRequest()] }))
  expect(waiting?.get('target')).toBe('all')
})
