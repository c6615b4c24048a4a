import { createHmac, timingSafeEqual } from 'node:crypto'
import { expect, test } from 'vitest'
import type { NoticeEvent } from '../../../src/model/notice-event.ts'
import { secret } from '../../../src/model/secret.ts'
import type { Reporter } from '../../../src/reporters/reporter.ts'
import { webhook } from '../../../src/reporters/webhook/webhook.ts'
import type { WebhookOptions } from '../../../src/reporters/webhook/webhook-options.ts'
import type { WebhookPayload } from '../../../src/reporters/webhook/webhook-payload.ts'
import { fakeService, type Received } from '../fake-service.ts'
import { rejectionOf } from '../rejection-of.ts'
import { asMessage, endedBuild, factsOf, sampleBuild, sendTools, site } from '../sample-facts.ts'

const completed: NoticeEvent = { type: 'request.completed', request: 12, result: 'FAILURE' }
const key = 'a key that both know'

/** As a receiver would do it: see docs/hear-about-it.md. */
function isOurs({ body, headers }: Received, now = Date.now()): boolean {
  const timestamp = String(headers['x-rouse-timestamp'])
  if (Math.abs(now / 1000 - Number(timestamp)) > 300) return false
  const expected = `sha256=${createHmac('sha256', key).update(`${timestamp}.${body}`).digest('hex')}`
  const given = String(headers['x-rouse-signature-256'])
  return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected))
}

test('a receiver can tell that a message is ours, and that it is fresh', async () => {
  const service = await fakeService({ status: 200 })
  const reporter = opened({ url: `${service.url}/hook?a=b`, secret: secret('KEY') })
  await reporter.send(await messageOf(reporter), sendTools({ KEY: key }))
  const [received] = service.received
  expect(received!.path).toBe('/hook?a=b')
  expect(isOurs(received!)).toBe(true)
  expect(isOurs({ ...received!, body: received!.body.replace('FAILURE', 'SUCCESS') })).toBe(false)
  const later = String(Number(received!.headers['x-rouse-timestamp']) + 1)
  expect(isOurs({ ...received!, headers: { ...received!.headers, 'x-rouse-timestamp': later } })).toBe(false)
  expect(isOurs(received!, Date.now() + 3_600_000)).toBe(false)
})

test('a message carries the same id and body on every try', async () => {
  const service = await fakeService({ status: 500 }, { status: 204 })
  const reporter = opened({ url: service.url, secret: secret('KEY') })
  const message = await messageOf(reporter)
  await rejectionOf(reporter.send(message, sendTools({ KEY: key })))
  await reporter.send({ ...message, attempt: 2 }, sendTools({ KEY: key }))
  const [first, second] = service.received
  for (const { headers } of service.received) {
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'x-rouse-event': 'request.completed',
      'x-rouse-delivery': message.id,
      'idempotency-key': message.id,
    })
  }
  expect(second!.body).toBe(first!.body)
})

test('without a secret nothing is signed', async () => {
  const service = await fakeService({ status: 200 })
  const reporter = opened({ url: service.url })
  await reporter.send(await messageOf(reporter), sendTools({}))
  expect(service.received[0]!.headers).not.toHaveProperty('x-rouse-signature-256')
})

test('address and headers can be secrets, which are stored nowhere', async () => {
  const service = await fakeService({ status: 401, body: 'who is s3cret-value-1? /hooks/T000/B000' })
  const headers = { authorization: secret('AUTH'), 'x-plain': 'text' }
  const reporter = opened({ url: secret('URL'), headers, name: 'chat' })
  const message = await messageOf(reporter)
  const url = `${service.url}/hooks/T000/B000`
  const error = await rejectionOf(reporter.send(message, sendTools({ URL: url, AUTH: 's3cret-value-1' })))
  expect(service.received[0]).toMatchObject({
    path: '/hooks/T000/B000',
    headers: { authorization: 's3cret-value-1', 'x-plain': 'text' },
  })
  expect(message.target).toBe('chat')
  expect(error.message).toBe(`${service.host} answered 401: who is ***? ***`)
})

test('the target is the host: a path may be what lets in', async () => {
  const message = await messageOf(opened({ url: 'https://hooks.example/T000/B000' }))
  expect(message).toMatchObject({
    target: 'hooks.example',
    subject: 'unit: build 17 failed after 3 m 2 s: 3 failed',
  })
  expect(JSON.stringify(message)).not.toContain('T000')
})

test('a body of your own goes out instead', async () => {
  const service = await fakeService({ status: 200 })
  const format = ({ text }: WebhookPayload, event: NoticeEvent) =>
    event.type === 'request.completed' ? { message: text, odd: 'nul \0 and \ud800' } : undefined
  const reporter = opened({ url: service.url, secret: secret('KEY'), format })
  await reporter.send(await messageOf(reporter), sendTools({ KEY: key }))
  expect(service.received[0]!.body).toBe(
    '{"message":"unit: build 17 failed after 3 m 2 s: 3 failed","odd":"nul \\u0000 and \\ud800"}',
  )
  expect(isOurs(service.received[0]!)).toBe(true)
  const started: NoticeEvent = { type: 'build.started', request: 12, build: 17 }
  expect(await drafts(reporter, started)).toEqual([])
})

test.each([
  [() => ({ text: 'x'.repeat(500_000) }), /^format gave more than \d+ bytes/],
  [() => ({ n: 1n }), /^the function format of the reporter failed: .*BigInt/],
  [async () => ({ text: 'later' }), /must give its result at once, not a promise/],
])('a body that cannot be sent is told to the one who wrote it', async (format, message) => {
  const reporter = opened({ url: 'https://hooks.example/', format })
  const error = await rejectionOf(drafts(reporter))
  expect(error.worth).toBe('never')
  expect(error.message).toMatch(message)
})

test('what an event is about is no longer there: nothing is sent', async () => {
  const reporter = opened({ url: 'https://hooks.example/' })
  expect(await drafts(reporter, { type: 'request.completed', request: 99, result: 'SUCCESS' })).toEqual([])
  expect(await drafts(reporter, { type: 'build.started', request: 12, build: 99 })).toEqual([])
  expect(await drafts(reporter, { type: 'buildset.completed', buildset: 9, result: 'SUCCESS' })).toEqual([])
})

test('it hears everything, or what it asks for', () => {
  const all = opened({ url: 'https://hooks.example/' }).interest
  expect(all.events).toHaveLength(8)
  expect(all.builders).toBeUndefined()
  const some = opened({ url: 'https://hooks.example/', events: ['worker.missing'], builders: [] }).interest
  expect(some).toEqual({ events: ['worker.missing'], builders: [] })
})

test('all mistakes are told at once', () => {
  const wrong = { url: 'ftp://x', secret: 'pw', events: ['request.complete'], format: 'json', header: {} }
  expect(mistakesOf(wrong)).toEqual([
    'url: must begin with http:// or https://',
    "secret: must be a secret, such as secret('HOOK_SECRET'), got a string",
    'events: there is no event "request.complete"; did you mean \'request.completed\'?',
    'format: must be a function, got "json"',
    'unknown option "header"; did you mean "headers"?',
  ])
  expect(mistakesOf({})).toEqual([
    "url: is missing: where to, such as 'https://example.com/hooks/builds' or secret('HOOK_URL')",
  ])
})

test.each([
  [{ 'bad name': 'x' }, '"bad name" is no name of a header'],
  [{ 'X-Rouse-Event': 'x' }, '"X-Rouse-Event" is set by Rouse itself'],
  [{ Host: 'x' }, '"Host" is set by Rouse itself'],
  [
    { 'x-a': 'a\r\nx-b: c' },
    'the value of "x-a" must be a secret, or a string of ASCII characters without line breaks',
  ],
  [{ 'x-a': 7 }, 'the value of "x-a" must be a secret, or a string of ASCII characters without line breaks'],
  [['x'], 'must be an object of headers, got a list'],
  [secret('X'), 'must be an object whose values may be secrets, got a secret'],
])('headers that cannot be: %j', (headers, mistake) => {
  expect(mistakesOf({ url: 'https://hooks.example/', headers })).toEqual([`headers: ${mistake}`])
})

function mistakesOf(options: object): readonly string[] {
  const description = webhook(options as WebhookOptions)
  return description.mistakes(description.options)
}

function opened(options: WebhookOptions): Reporter {
  const description = webhook(options)
  expect(description.mistakes(description.options)).toEqual([])
  return description.open(description.options, description.name)
}

function drafts(reporter: Reporter, event: NoticeEvent = completed) {
  const builds =
    event.type === 'build.started' ? [sampleBuild()] : [endedBuild('FAILURE', { summary: '3 failed' })]
  return reporter.compose(event, { facts: factsOf({ builds }), site, signal: new AbortController().signal })
}

async function messageOf(reporter: Reporter) {
  const [draft] = await drafts(reporter)
  return asMessage(draft!)
}
