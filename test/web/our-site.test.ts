import { describe, expect, test } from 'vitest'
import { ask, askRaw, postJson, upgrade } from './ask.ts'
import { startTestWeb, useTestWeb } from './start-test-web.ts'

const web = useTestWeb({}, { url: 'https://ci.acme.example/rouse/' })
const port = () => new URL(web().url).port

describe('the Host header', () => {
  test.each([
    'localhost',
    'LOCALHOST',
    '127.0.0.1',
    '127.1.2.3',
    '[::1]',
    'ci.acme.example',
    'localhost:1234',
  ])('%s is ours', async (host) => {
    for (const path of ['/', '/api/v1/builders', '/health'])
      expect((await ask(web().url + path, { headers: { host } })).status, path).toBe(200)
  })

  test.each([
    'evil.example',
    'localhost.evil.example',
    'evil.localhost.example',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    '[::2]',
    'user@localhost',
    'localhost:80:80',
    'localhost/x',
  ])('"%s", which another site may have let point here, is refused', async (host) => {
    for (const path of ['/', '/api/v1/builders', '/api/v1/nothing']) {
      const { status, json } = await ask(web().url + path, { headers: { host } })
      expect({ status, code: json.code }, path).toEqual({ status: 403, code: 'ROUSE_ORIGIN_REFUSED' })
    }
  })

  test('may not be missing', async () => {
    expect(await askRaw(web().url, 'GET /api/v1/builders HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /)
  })

  test('that is refused is refused for WebSockets too', async () => {
    expect((await upgrade(`${web().url}/api/v1/events`, { host: 'evil.example' })).status).toBe(403)
  })

  test('of an address of this machine is ours when we listen on all', async () => {
    const all = await startTestWeb(web().database, { listen: { host: '0.0.0.0', port: 0 } })
    try {
      const url = `http://127.0.0.2:${new URL(all.url).port}/api/v1/builders`
      expect((await ask(url)).status).toBe(200)
      expect((await ask(url, { headers: { host: 'evil.example' } })).status).toBe(403)
    } finally {
      await all.web.close()
    }
  })
})

describe('the Origin header', () => {
  const force = (origin: string, host?: string) =>
    postJson(`${web().url}/api/v1/builders/unit/force`, {}, { origin, ...(host && { host }) })

  test('of our own page is welcome, under each of its names', async () => {
    expect((await force(`http://127.0.0.1:${port()}`)).status).toBe(201)
    expect((await force(`http://localhost:${port()}`, `localhost:${port()}`)).status).toBe(201)
    expect((await force('https://ci.acme.example', 'ci.acme.example')).status).toBe(201)
    // A proxy that puts its own Host.
    expect((await force('https://ci.acme.example', `127.0.0.1:${port()}`)).status).toBe(201)
  })

  test.each([
    'http://evil.example',
    'null',
    'http://localhost:3000',
    'https://ci.acme.example.evil.example',
    'file://',
  ])('%s is another site, which may do nothing here', async (origin) => {
    const { status, json } = await force(origin)
    expect({ status, code: json.code }).toEqual({ status: 403, code: 'ROUSE_ORIGIN_REFUSED' })
    expect(web().forced).toEqual([])
    expect((await ask(`${web().url}/api/v1/builds`, { headers: { origin } })).status).toBe(403)
    expect((await upgrade(`${web().url}/api/v1/events`, { origin })).status).toBe(403)
  })
})

test('no answer allows another site to read it or to frame the page', async () => {
  const { headers } = await ask(`${web().url}/api/v1/builders`)
  expect(headers).not.toHaveProperty('access-control-allow-origin')
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  })
  expect(headers['content-security-policy']).toContain("default-src 'none'")
  expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
  expect(headers['content-security-policy']).not.toContain('unsafe')
})
