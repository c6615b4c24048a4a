import { expect, test } from 'vitest'
import type { NoticeEvent } from '../../../src/model/notice-event.ts'
import { tellEvent } from '../../../src/reporters/tell-event.ts'
import { payloadOf } from '../../../src/reporters/webhook/payload-of.ts'
import type { WebhookPayload } from '../../../src/reporters/webhook/webhook-payload.ts'
import {
  commit,
  endedBuild,
  factsOf,
  sampleChange,
  sampleRequest,
  sampleWorker,
  site,
} from '../sample-facts.ts'

async function payload(event: NoticeEvent, known: Parameters<typeof factsOf>[0]): Promise<WebhookPayload> {
  const told = await tellEvent(event, factsOf(known), site)
  return JSON.parse(JSON.stringify(payloadOf(told!, site))) as WebhookPayload
}

const finished: NoticeEvent = { type: 'build.finished', request: 12, build: 17, result: 'FAILURE' }

test('the schema of a build, version 1', async () => {
  const steps = [
    {
      number: 0,
      name: 'test',
      result: 'FAILURE',
      summary: '3 failed',
      startedAt: new Date('2026-11-21T10:01:00Z'),
      finishedAt: null,
      logs: [{ id: 9, name: 'stdio', bytes: 77 }],
    },
  ] as const
  const artifacts = [{ id: 4, name: 'app.tgz', size: 9, type: 'application/gzip' }]
  const build = endedBuild('FAILURE', { summary: 'test: 3 failed', steps, artifacts })
  expect(await payload(finished, { builds: [build] })).toEqual({
    version: 1,
    event: 'build.finished',
    text: 'unit: build 17 failed after 3 m 2 s: test: 3 failed',
    url: 'https://ci.acme.example/#/builds/17',
    master: { title: 'Acme builds', url: 'https://ci.acme.example/' },
    request: {
      id: 12,
      builder: 'unit',
      buildset: 5,
      reason: 'a commit',
      origin: 'scheduler',
      scheduler: 'all',
      source: { repository: 'https://github.com/acme/app.git', branch: 'main', revision: commit },
      changes: [sampleChange()],
      owners: ['bob@acme.example'],
      properties: { target: 'all' },
      submittedAt: '2026-11-21T10:00:00.000Z',
      completedAt: '2026-11-21T10:03:12.000Z',
      result: 'FAILURE',
      previousResult: 'SUCCESS',
      cancelReason: null,
      startFailure: null,
      supersededBy: null,
      build: 17,
    },
    build: {
      id: 17,
      builder: 'unit',
      request: 12,
      attempt: 1,
      worker: 'bot',
      result: 'FAILURE',
      summary: 'test: 3 failed',
      cancelReason: null,
      startedAt: '2026-11-21T10:00:10.000Z',
      finishedAt: '2026-11-21T10:03:12.000Z',
      properties: { target: 'all' },
      steps: [
        {
          number: 0,
          name: 'test',
          result: 'FAILURE',
          summary: '3 failed',
          startedAt: '2026-11-21T10:01:00.000Z',
          finishedAt: null,
          logs: [{ id: 9, name: 'stdio', bytes: 77, url: 'https://ci.acme.example/api/v1/logs/9/text' }],
        },
      ],
      artifacts: [
        {
          id: 4,
          name: 'app.tgz',
          size: 9,
          type: 'application/gzip',
          url: 'https://ci.acme.example/api/v1/artifacts/4',
        },
      ],
      url: 'https://ci.acme.example/#/builds/17',
    },
  })
})

test('the schema of a buildset', async () => {
  const submittedAt = new Date('2026-11-21T10:00:00Z')
  const requests = [
    sampleRequest({ build: 17, result: 'SUCCESS' }),
    sampleRequest({ id: 13, builder: 'lint', result: 'FAILURE' }),
  ]
  const buildset = {
    id: 5,
    reason: 'a commit',
    result: 'FAILURE',
    submittedAt,
    completedAt: null,
    source: requests[0]!.source,
    requests,
  } as const
  const event: NoticeEvent = { type: 'buildset.completed', buildset: 5, result: 'FAILURE' }
  expect(await payload(event, { buildsets: [buildset] })).toMatchObject({
    event: 'buildset.completed',
    text: 'buildset 5 ended, FAILURE: unit SUCCESS, lint FAILURE',
    buildset: {
      id: 5,
      result: 'FAILURE',
      requests: [
        { id: 12, builder: 'unit', result: 'SUCCESS', build: 17, url: 'https://ci.acme.example/#/builds/17' },
        {
          id: 13,
          builder: 'lint',
          result: 'FAILURE',
          build: null,
          url: 'https://ci.acme.example/#/builders/lint',
        },
      ],
    },
  })
})

test('the schema of a worker, also of one that is no longer in the config', async () => {
  const event: NoticeEvent = {
    type: 'worker.missing',
    worker: 'bot',
    since: '2026-11-21T09:00:00.000Z',
    reason: 'it is not connected',
    lastAddress: '10.0.0.7',
    lastSeenAt: null,
    builds: [17],
  }
  const details = {
    since: '2026-11-21T09:00:00.000Z',
    reason: 'it is not connected',
    lastAddress: '10.0.0.7',
    lastSeenAt: null,
    builds: [17],
  }
  expect(await payload(event, { workers: [sampleWorker()] })).toEqual({
    version: 1,
    event: 'worker.missing',
    text: 'worker bot is missing since 2026-11-21T09:00:00.000Z: it is not connected',
    url: 'https://ci.acme.example/#/workers/bot',
    master: { title: 'Acme builds', url: 'https://ci.acme.example/' },
    worker: {
      name: 'bot',
      details,
      kind: 'static',
      admin: 'Bob',
      host: 'a Sun',
      hostname: 'sun1',
      os: 'solaris',
      connected: false,
      waiting: [{ id: 12, builder: 'unit', submittedAt: '2026-11-21T10:00:00.000Z' }],
    },
  })
  expect((await payload(event, {})).worker).toEqual({ name: 'bot', details })
})

test.each([
  ['https://bob:pw@git.example/app.git', 'https://git.example/app.git'],
  ['https://ghp_token@git.example/app.git', 'https://git.example/app.git'],
  ['https://x:p@ss@git.example/app.git', 'https://git.example/app.git'],
  ['ssh://git:pw@git.example/app.git', 'ssh://git@git.example/app.git'],
  ['ssh://git@git.example/app.git', 'ssh://git@git.example/app.git'],
  ['git@git.example:app.git', 'git@git.example:app.git'],
  ['/srv/app', '/srv/app'],
])('credentials in the address of a repository stay here: %s', async (repository, shown) => {
  const ended = endedBuild('SUCCESS')
  const request = { ...ended.request, source: { ...ended.request.source, repository } }
  expect((await payload(finished, { builds: [{ ...ended, request }] })).request?.source.repository).toBe(
    shown,
  )
})

test.each([
  ['properties', { properties: [{ name: 'big', value: 'x'.repeat(400_000), source: 'force' as const }] }],
  ['changes', { changes: Array.from({ length: 5000 }, () => sampleChange({ message: 'm'.repeat(9000) })) }],
  ['files', { changes: [sampleChange({ files: Array.from({ length: 90 }, () => 'f'.repeat(4000)) })] }],
])('too many %s are left out, and the payload says so', async (_what, more) => {
  const ended = endedBuild('FAILURE')
  const build = { ...ended, request: { ...ended.request, ...more } }
  const sent = await payload(finished, { builds: [build] })
  expect(sent.truncated).toBe(true)
  expect(sent.build?.id).toBe(17)
  expect(JSON.stringify(sent).length).toBeLessThan(256 * 1024)
})
