import { expect, test } from 'vitest'
import { refusal } from '../../../src/reporters/http/refusal.ts'

const now = Date.parse('2026-11-21T10:00:00Z')
const nowSeconds = now / 1000

function refused(status: number, headers: Record<string, string> = {}, text = '') {
  const answer = { status, headers: new Headers(headers), text }
  const { advice, message, retryAfter, worth } = refusal(answer, { host: 'git.example', now })
  return { advice, message, retryAfter, worth }
}

test.each([
  ['a number of seconds', { 'retry-after': '120' }, 120],
  ['a date', { 'retry-after': 'Sat, 21 Nov 2026 10:02:00 GMT' }, 120],
  ['a date in an old form', { 'retry-after': 'Saturday, 21-Nov-26 10:02:00 GMT' }, 120],
  ['a date that has passed', { 'retry-after': 'Sat, 21 Nov 2026 09:00:00 GMT' }, 1],
  ['no time at all', { 'retry-after': '0' }, 1],
  ['a day, which is cut to an hour', { 'retry-after': '86400' }, 3600],
  ['more than a number holds', { 'retry-after': '9'.repeat(400) }, 3600],
  ['a time since 1970', { 'x-ratelimit-reset': String(nowSeconds + 300) }, 300],
  ['a time from now', { 'ratelimit-reset': '30' }, 30],
  ['a word', { 'retry-after': 'soon' }, undefined],
  ['a negative number', { 'retry-after': '-5' }, undefined],
  ['a number that looks like a year', { 'retry-after': '2026-11-21' }, undefined],
  ['nothing', {}, undefined],
])('a service that is asked too often says when to come back: %s', (_what, headers, retryAfter) => {
  expect(refused(429, headers)).toMatchObject({ worth: 'later', retryAfter })
})

test.each([
  [500, 'later'],
  [502, 'later'],
  [503, 'later'],
  [408, 'later'],
  [425, 'later'],
  [423, 'later'],
  [409, 'later'],
  [400, 'never'],
  [401, 'never'],
  [403, 'never'],
  [404, 'never'],
  [410, 'never'],
  [413, 'never'],
  [422, 'never'],
])('after an answer %i another try is made: %s', (status, worth) => {
  expect(refused(status).worth).toBe(worth)
})

test('a service that is down says when it is back', () => {
  expect(refused(503, { 'retry-after': '90' })).toMatchObject({ worth: 'later', retryAfter: 90 })
})

test('a rate limit that looks like a missing permission is no missing permission', () => {
  const reset = String(nowSeconds + 600)
  expect(refused(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset })).toMatchObject({
    worth: 'later',
    retryAfter: 600,
  })
  expect(refused(403, { 'retry-after': '60' })).toMatchObject({ worth: 'later', retryAfter: 60 })
  expect(refused(403, { 'x-ratelimit-remaining': '4999', 'x-ratelimit-reset': reset })).toMatchObject({
    worth: 'never',
    retryAfter: undefined,
  })
})

test.each([
  ['{"message":"No commit found for SHA: 12"}', 'No commit found for SHA: 12'],
  ['{"error":{"message":"no such key"}}', 'no such key'],
  ['{"errors":[{"message":"too long"}]}', 'too long'],
  ['{"error":"invalid_token","error_description":"Token was revoked"}', 'Token was revoked'],
  ['{"message":{"state":["is invalid"]}}', '{"state":["is invalid"]}'],
  ['no_service', 'no_service'],
  ['  two\r\n\tlines\u0000\u001b[31m ', 'two lines'],
  ['x'.repeat(1000), `${'x'.repeat(199)}…`],
])('what a service says in %j is told in one line', (text, said) => {
  expect(refused(400, {}, text).message).toBe(`git.example answered 400: ${said}`)
})

test.each(['', '<html><h1>Bad Request</h1></html>', '{}', 'null', '[]', '{"message":null}'])(
  'nothing is made up from %j',
  (text) => {
    expect(refused(400, {}, text).message).toMatch(/^git\.example answered 400(: (\{\}|null|\[\]))?$/)
  },
)

test('advice of the service goes before the common one', () => {
  const answer = { status: 404, headers: new Headers(), text: '' }
  const own = refusal(answer, { host: 'h', now, advice: { 404: 'Ask Bob.' } })
  expect(own.advice).toBe('Ask Bob.')
  expect(refused(404).advice).toBe('There is nothing at this address. Check it.')
})
