import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NoticeEvent } from '../../../src/model/notice-event.ts'
import type { Result } from '../../../src/model/results.ts'
import { secret } from '../../../src/model/secret.ts'
import type { BuildFacts, RequestFacts } from '../../../src/reporters/facts.ts'
import type { Reporter } from '../../../src/reporters/reporter.ts'
import { escapeText } from '../../../src/reporters/slack/escape-text.ts'
import { slackMessages } from '../../../src/reporters/slack/slack-messages.ts'
import type { SlackOptions } from '../../../src/reporters/slack/slack-options.ts'
import type { SlackPayload } from '../../../src/reporters/slack/slack-payload.ts'
import { fakeService } from '../fake-service.ts'
import { rejectionOf } from '../rejection-of.ts'
import {
  asMessage,
  endedBuild,
  factsOf,
  sampleChange,
  sampleWorker,
  sendTools,
  site,
} from '../sample-facts.ts'

const url = secret('SLACK_URL')

test('a failed build is told with what failed and what has changed', async () => {
  const failed = { number: 1, name: 'test', result: 'FAILURE', summary: '3 failed', logs: [] } as const
  const steps = [{ ...failed, startedAt: null, finishedAt: null }]
  const payload = await payloadOf({ channel: '#builds' }, 'FAILURE', { summary: 'test: 3 failed', steps })
  expect(payload).toEqual({
    text: 'unit: build 17 failed after 3 m 2 s: test: 3 failed',
    channel: '#builds',
    attachments: [
      {
        color: '#cc3d3d',
        fallback: 'unit: build 17 failed after 3 m 2 s: test: 3 failed',
        title: 'Build 17 of unit',
        title_link: 'https://ci.acme.example/#/builds/17',
        text: 'main at 0123456789 · a commit\nFailed step: test: 3 failed\n• Mend it (Bob)',
        mrkdwn_in: [],
      },
    ],
  })
})

test('a commit message calls nobody, links nowhere and stays text', async () => {
  const message =
    'Hi <!channel> @everyone @here <@U123> <https://evil.example|log> [log](https://evil.example) & more\nrest'
  const changes = [sampleChange({ message, author: '@all <all@acme.example>' })]
  const payload = await payloadOf(
    {},
    'FAILURE',
    { summary: '@channel <!here>' },
    { changes, reason: '@everyone' },
  )
  const everything = JSON.stringify(payload)
  expect(everything).not.toMatch(/@(everyone|here|channel|all|U123)/)
  expect(everything).not.toMatch(/[<>]|\]\(/)
  expect(payload.attachments[0]!.text).toContain('Hi &lt;!channel&gt; @\u200beveryone @\u200bhere')
  expect(payload.attachments[0]!.text).toContain('&amp; more')
  expect(everything).not.toContain('acme.example>')
})

test('no text of others can become markup', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      const escaped = escapeText(`${text}@here<!here>](x)`, 200)
      expect(escaped).not.toMatch(/[<>]|@\w|\]\(|&(?!(amp|lt|gt);)/)
      expect(escaped.isWellFormed()).toBe(true)
    }),
  )
})

test('a long list of changes is cut', async () => {
  const changes = Array.from({ length: 30 }, (_, i) =>
    sampleChange({ id: i, message: `change ${i} ${'x'.repeat(500)}` }),
  )
  const { attachments } = await payloadOf({}, 'FAILURE', {}, { changes })
  expect(attachments[0]!.text).toContain('change 29')
  expect(attachments[0]!.text).not.toContain('change 24 ')
  expect(attachments[0]!.text).toContain('25 more')
  expect(attachments[0]!.text.length).toBeLessThan(2100)
})

test.each<[string, Pick<SlackOptions, 'mode'>, Result, Result | null, boolean]>([
  ['by default a failure', {}, 'FAILURE', 'FAILURE', true],
  ['by default an exception', {}, 'EXCEPTION', null, true],
  ['by default the first success after a failure', {}, 'SUCCESS', 'FAILURE', true],
  ['by default a success after a success', {}, 'SUCCESS', 'SUCCESS', false],
  ['by default the first success of all', {}, 'SUCCESS', null, false],
  ['with "problem" a new failure', { mode: 'problem' }, 'FAILURE', 'SUCCESS', true],
  ['with "problem" an old failure', { mode: 'problem' }, 'FAILURE', 'FAILURE', false],
  ['with "all" a success', { mode: ['all'] }, 'SUCCESS', 'SUCCESS', true],
  ['with "passing" a failure', { mode: ['passing', 'warnings'] }, 'FAILURE', null, false],
])('%s: told or not', async (_what, options, result, previousResult, isTold) => {
  const made = await draftsOf(options, result, {}, { previousResult })
  expect(made).toHaveLength(isTold ? 1 : 0)
})

test('a missing worker is told, and that it is back', async () => {
  const reporter = opened({})
  const facts = factsOf({ workers: [sampleWorker()] })
  const tools = { facts, site, signal: new AbortController().signal }
  const since = '2026-11-21T09:00:00.000Z'
  const missing: NoticeEvent = {
    ...{ type: 'worker.missing', worker: 'bot', since, reason: 'it is not connected' },
    ...{ lastAddress: null, lastSeenAt: null, builds: [17, 18] },
  }
  const [lost] = await reporter.compose(missing, tools)
  expect(lost).toMatchObject({
    subject: `worker bot is missing since ${since}: it is not connected`,
    content: {
      attachments: [{ title: 'Worker bot', text: 'it is not connected\nIt was running build 17, build 18' }],
    },
  })
  const recovered: NoticeEvent = {
    ...{
      type: 'worker.recovered',
      worker: 'bot',
      missingSince: since,
      recoveredAt: since,
      address: '10.0.0.7',
    },
  }
  const [back] = await reporter.compose(recovered, tools)
  expect(back!.subject).toBe(`worker bot is back; it was missing since ${since}`)
})

test('the message is posted to the address, which nobody sees', async () => {
  const service = await fakeService(
    { status: 200, body: 'ok' },
    { status: 404, body: 'no_service T0/B0/XyXyXyXyXyXyXyXyXyXyXyXy' },
  )
  const reporter = opened({})
  const [draft] = await draftsOf({}, 'FAILURE')
  const message = asMessage(draft!)
  const tools = sendTools({ SLACK_URL: `${service.url}/services/T0/B0/XyXyXyXyXyXyXyXyXyXyXyXy\n` })
  await reporter.send(message, tools)
  expect(service.received[0]!.path).toBe('/services/T0/B0/XyXyXyXyXyXyXyXyXyXyXyXy')
  expect(JSON.parse(service.received[0]!.body)).toEqual(message.content)
  const error = await rejectionOf(reporter.send(message, tools))
  expect(error).toMatchObject({ worth: 'never', advice: expect.stringContaining('Make a new one') })
  expect(error.message).toBe(`${service.host} answered 404: no_service T0/B0/***`)
})

test('a chat that is asked too often says when to come back', async () => {
  const service = await fakeService({ status: 429, headers: { 'retry-after': '30' }, body: 'rate_limited' })
  const [draft] = await draftsOf({}, 'FAILURE')
  const sent = opened({}).send(asMessage(draft!), sendTools({ SLACK_URL: service.url }))
  expect(await rejectionOf(sent)).toMatchObject({ worth: 'later', retryAfter: 30 })
})

test('an address that is no address is not shown', async () => {
  const [draft] = await draftsOf({}, 'FAILURE')
  const error = await rejectionOf(
    opened({}).send(asMessage(draft!), sendTools({ SLACK_URL: 'hooks/T0/B0/secretsecret' })),
  )
  expect(error.worth).toBe('never')
  expect(error.message).not.toContain('secret')
})

test('all mistakes are told at once', () => {
  const description = slackMessages({
    url: 'https://hooks.slack.com/x',
    mode: 'problems',
    events: [],
    channel: '',
  } as never)
  expect(description.mistakes(description.options)).toEqual([
    "url: must be a secret, such as secret('SLACK_URL'), got a string",
    expect.stringMatching(/^events: must be a list of some of 'request.submitted', /),
    `mode: there is no mode "problems"; did you mean 'problem'?`,
    'channel: must be a string that is not empty, got ""',
  ])
})

function opened(options: Partial<SlackOptions>): Reporter {
  const description = slackMessages({ url, ...options })
  expect(description.mistakes(description.options)).toEqual([])
  return description.open(description.options, description.name)
}

function draftsOf(
  options: Partial<SlackOptions>,
  result: Result,
  build: Partial<BuildFacts> = {},
  request: Partial<RequestFacts> = {},
) {
  const ended = endedBuild(result, build)
  const facts = factsOf({ builds: [{ ...ended, request: { ...ended.request, ...request } }] })
  const event: NoticeEvent = { type: 'request.completed', request: 12, result }
  return opened(options).compose(event, { facts, site, signal: new AbortController().signal })
}

async function payloadOf(...args: Parameters<typeof draftsOf>): Promise<SlackPayload> {
  const [draft] = await draftsOf(...args)
  return asMessage(draft!).content as SlackPayload
}
