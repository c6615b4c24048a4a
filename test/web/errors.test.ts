import { expect, test } from 'vitest'
import type { Kysely } from 'kysely'
import { ask, askRaw, postJson } from './ask.ts'
import { startTestWeb, useTestWeb } from './start-test-web.ts'

const web = useTestWeb({ maxRequestBytes: 1000 })

test.each([
  ['/nothing', 'ROUSE_NOT_FOUND'],
  ['/api/v1/nothing', 'ROUSE_NOT_FOUND'],
  ['/api/v1/builders/unti', 'ROUSE_BUILDER_UNKNOWN'],
  ['/api/v1/workers/nobody', 'ROUSE_WORKER_UNKNOWN'],
  ['/api/v1/builds/999', 'ROUSE_BUILD_UNKNOWN'],
  ['/api/v1/builds/999/steps', 'ROUSE_BUILD_UNKNOWN'],
  ['/api/v1/steps/999/logs', 'ROUSE_STEP_UNKNOWN'],
  ['/api/v1/logs/999/text', 'ROUSE_LOG_UNKNOWN'],
  ['/api/v1/requests/r999', 'ROUSE_REQUEST_UNKNOWN'],
  ['/api/v1/builds/9007199254740991', 'ROUSE_BUILD_UNKNOWN'],
])('%s is answered 404 %s, with advice', async (path, code) => {
  const { status, json } = await ask(web().url + path)
  expect(status).toBe(404)
  expect(json).toEqual({ code, message: expect.any(String), advice: expect.stringMatching(/./) })
})

test('an unknown name is answered with the one that was probably meant', async () => {
  expect((await ask(`${web().url}/api/v1/builders/unti`)).json.message).toBe(
    'there is no builder "unti"; did you mean "unit"?',
  )
})

test.each([
  ['/builds/abc', 'params id must be integer'],
  ['/builds/0', 'params id must be >= 1'],
  ['/builds/1.5', 'params id must be integer'],
  ['/builds/0x10', 'params id must be integer'],
  ['/builds/9007199254740993', 'params id must be <= 9007199254740991'],
  ['/builds/99999999999999999999', 'params id must be integer'],
  ['/requests/x1', 'params id must match'],
  ['/builds?limit=0', 'query limit must be >= 1'],
  ['/builds?limit=1001', 'query limit must be <= 1000'],
  ['/builds?limit=', 'query limit must be integer'],
  ['/builds?limit=1&limit=2', 'query limit must be integer'],
  ['/builds?state=flying', 'query state must be one of running, finished'],
  ['/builds?colour=red', 'unknown name: colour'],
  ['/logs/1/text?streams=stdin', 'query streams must match'],
  ['/builds/%zz', '%zz'],
])('%s is refused with what is wrong where: %s', async (path, message) => {
  const { status, json } = await ask(`${web().url}/api/v1${path}`)
  expect({ status, code: json.code }).toEqual({ status: 400, code: 'ROUSE_REQUEST_INVALID' })
  expect(json.message).toContain(message)
})

const nested = JSON.parse('['.repeat(30) + ']'.repeat(30))
test.each<[name: string, body: unknown, message: string]>([
  ['half of a JSON', '{"branch": ', 'JSON'],
  ['an array', '[]', 'body must be object'],
  ['a number for a branch', { branch: 5 }, 'body branch must be string or null'],
  ['text for a priority', { priority: '5' }, 'body priority must be integer'],
  ['half a priority', { priority: 1.5 }, 'body priority must be integer'],
  ['an unknown name', { brunch: 'main' }, 'unknown name: brunch'],
  ['more bytes than allowed', { reason: 'x'.repeat(2000) }, 'too large'],
  ['a NUL in text', { branch: 'a\0b' }, 'NUL'],
  ['a NUL in a name', { properties: { 'a\0': 1 } }, 'NUL'],
  ['half a character', '{"properties": {"a": "\\ud800"}}', 'half a character'],
  ['properties that are an array', { properties: nested }, 'body properties must be object'],
  ['a very deep value', { properties: { a: nested } }, 'nested deeper'],
  ['a poisoned prototype', '{"__proto__": {"branch": "x"}}', 'not valid JSON'],
])('%s in a body is refused and nothing is forced', async (_name, body, message) => {
  const { status, json } = await postJson(`${web().url}/api/v1/builders/unit/force`, body)
  expect([400, 413]).toContain(status)
  expect(json.message).toContain(message)
  expect(json.advice).toMatch(/./)
  expect(web().forced).toEqual([])
})

test.each([
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/xml',
])('a body of %s, as a form of another site can send it, is refused', async (type) => {
  const { status, json } = await postJson(`${web().url}/api/v1/builders/unit/force`, '{}', {
    'content-type': type,
  })
  expect({ status, code: json.code }).toEqual({ status: 415, code: 'ROUSE_MEDIA_TYPE' })
  expect(web().forced).toEqual([])
})

test('what goes wrong inside is logged and not shown', async () => {
  const db = {
    selectFrom: () => {
      throw new Error('secret detail of the database')
    },
  } as unknown as Kysely<any>
  const broken = await startTestWeb(web().database, {}, { db })
  try {
    const { status, json } = await ask(`${broken.url}/api/v1/builds`)
    expect({ status, code: json.code }).toEqual({ status: 500, code: 'ROUSE_INTERNAL' })
    expect(JSON.stringify(json)).not.toContain('secret')
    expect(JSON.stringify(broken.logged)).toContain('secret detail of the database')
  } finally {
    await broken.web.close()
  }
})

test('what is not HTTP gets an answer of the same form', async () => {
  const answer = await askRaw(web().url, 'NONSENSE\r\n\r\n')
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(JSON.parse(answer.split('\r\n\r\n')[1]!)).toMatchObject({ code: 'ROUSE_REQUEST_INVALID' })
})

test('headers of any size do not reach the master', async () => {
  const answer = await askRaw(
    web().url,
    `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
  )
  expect(answer).toMatch(/^HTTP\/1\.1 431 /)
})
