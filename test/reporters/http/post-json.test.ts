import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { postJson, type PostOptions } from '../../../src/reporters/http/post-json.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { fakeService } from '../fake-service.ts'
import { rejectionOf } from '../rejection-of.ts'

const token = 'ghp_0123456789abcdef'

function post(url: string, more: Partial<PostOptions> = {}) {
  const options = { signal: new AbortController().signal, secrets: [token], ...more }
  return postJson({ url, headers: { authorization: `Bearer ${token}` }, body: '{"a":1}' }, options)
}

test.each([200, 201, 202, 204])('an answer %i means that it has arrived', async (status) => {
  const service = await fakeService({ status })
  await post(`${service.url}/hook?x=1`)
  expect(service.received).toMatchObject([
    {
      method: 'POST',
      path: '/hook?x=1',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    },
  ])
  expect(service.received[0]!.headers['user-agent']).toMatch(/^rouse\/\d/)
})

test('what has arrived is not waited for to be explained', async () => {
  const service = await fakeService((_request, response) => {
    response.writeHead(200).flushHeaders()
    // And never ends.
  })
  await expect(post(service.url)).resolves.toBeUndefined()
})

test('a service that fails is asked again later', async () => {
  const service = await fakeService({ status: 500, body: '{"message":"oops"}' })
  expect(await rejectionOf(post(service.url))).toMatchObject({
    worth: 'later',
    message: `${service.host} answered 500: oops`,
  })
})

test('a service that is asked too often says when to come back', async () => {
  const service = await fakeService({ status: 429, headers: { 'retry-after': '17' } })
  expect(await rejectionOf(post(service.url))).toMatchObject({ worth: 'later', retryAfter: 17 })
})

test('a service that hangs is given up at the deadline', async () => {
  const service = await fakeService(() => {})
  expect(await rejectionOf(post(service.url, { timeout: 100 }))).toMatchObject({
    worth: 'later',
    message: `${service.host} did not answer within 0.1 s`,
  })
})

test('a service that hangs is let go of when the master stops', async () => {
  const stop = new AbortController()
  let isClosed = false
  const service = await fakeService((_request, response) => {
    response.on('close', () => (isClosed = true))
    stop.abort(new Error('the master stops'))
  })
  await expect(post(service.url, { signal: stop.signal })).rejects.toThrow('the master stops')
  await waitFor('the connection to be closed', () => isClosed)
})

test('nothing is sent when the master has stopped already', async () => {
  const service = await fakeService({ status: 200 })
  await expect(post(service.url, { signal: AbortSignal.abort(new Error('over')) })).rejects.toThrow('over')
  expect(service.received).toHaveLength(0)
})

test('a service that closes the connection is asked again later', async () => {
  const service = await fakeService((_request, _response, incoming) => incoming.socket.destroy())
  const error = await rejectionOf(post(service.url))
  expect(error.worth).toBe('later')
  expect(error.message).toContain(`no answer from ${service.host}`)
})

test('a service that breaks off in the middle of a refusal has refused', async () => {
  const service = await fakeService((_request, response) => {
    response.writeHead(404, { 'content-length': '1000' })
    response.write('{"message":"Not', () => response.destroy())
  })
  expect(await rejectionOf(post(service.url))).toMatchObject({ worth: 'never' })
})

test('a service that speaks something else than HTTP is asked again later', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {}).resume()
    socket.end('SSH-2.0-OpenSSH_9.9\r\n\0\x01\x02')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  expect(await rejectionOf(post(`http://127.0.0.1:${port}/`))).toMatchObject({ worth: 'later' })
})

test('nobody who listens is somebody to ask again later', async () => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const error = await rejectionOf(post(`http://127.0.0.1:${port}/`))
  expect(error).toMatchObject({ worth: 'later' })
  expect(error.message).toMatch(/no answer from 127\.0\.0\.1:\d+: .*ECONNREFUSED/)
})

test('of an endless answer only the beginning is read', async () => {
  let isClosed = false
  const service = await fakeService((_request, response) => {
    response.on('close', () => (isClosed = true))
    response.writeHead(400)
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    }
    response.on('drain', more)
    more()
  })
  const error = await rejectionOf(post(service.url))
  expect(error.message.length).toBeLessThan(300)
  await waitFor('the connection to be closed', () => isClosed)
})

test.each([
  ['as it is', (secret: string) => `bad token ${secret}, sorry`],
  ['in JSON', (secret: string) => JSON.stringify({ message: `bad credentials: Bearer ${secret}` })],
  ['in base64', (secret: string) => Buffer.from(`bob:${secret}`).toString('base64')],
  ['at the place where the text is cut', (secret: string) => `${'x'.repeat(193)}${secret}`],
  ['broken off', (secret: string) => `${'x'.repeat(50)}${secret.slice(0, 12)}`],
])('a secret that a service sends back is in no message: %s', async (what, bodyOf) => {
  const body = bodyOf(token)
  const service = await fakeService((_request, response) => {
    const isBroken = what === 'broken off'
    response.writeHead(401, isBroken ? { 'content-length': '5000' } : {})
    if (isBroken) response.write(body, () => response.destroy())
    else response.end(body)
  })
  const { advice, message } = await rejectionOf(post(service.url))
  for (const text of [message, advice ?? '']) {
    expect(text).not.toContain(token.slice(0, 8))
    expect(text).not.toContain(Buffer.from(token).toString('base64').slice(4, 16))
  }
})

test('a secret that no header can hold is in no message', async () => {
  const service = await fakeService({ status: 200 })
  const bad = 'first line\nsecond-line-of-it'
  const options = { signal: new AbortController().signal, secrets: [bad] }
  const error = await rejectionOf(
    postJson({ url: service.url, headers: { authorization: bad }, body: '' }, options),
  )
  expect(error).toMatchObject({ worth: 'never' })
  expect(error.message).toBe('the value of the header "authorization" has characters that no header can have')
  expect(service.received).toHaveLength(0)
})

test.each(['not an address', 'ftp://host/x', 'file:///etc/passwd', 'http://bob:pw@127.0.0.1/', ''])(
  'an address %j is refused without being shown',
  async (url) => {
    const error = await rejectionOf(post(url))
    expect(error.worth).toBe('never')
    expect(error.message).toBe('the address is not one that begins with http:// or https:// and names a host')
  },
)

test.each([307, 308])(
  'a redirect %i within the service is followed with all that was sent',
  async (status) => {
    const service = await fakeService({ status, headers: { location: '/repositories/7/x' } }, { status: 201 })
    await post(`${service.url}/repos/old/x`)
    expect(service.received.map(({ body, path }) => ({ body, path }))).toEqual([
      { path: '/repos/old/x', body: '{"a":1}' },
      { path: '/repositories/7/x', body: '{"a":1}' },
    ])
    expect(service.received[1]!.headers.authorization).toBe(`Bearer ${token}`)
  },
)

test.each([301, 302, 303, 307, 308])('a redirect %i to another host gets no credentials', async (status) => {
  const other = await fakeService({ status: 200 })
  const service = await fakeService({ status, headers: { location: `${other.url}/stolen?key` } })
  expect(await rejectionOf(post(service.url))).toMatchObject({
    worth: 'never',
    message: `${service.host} answered ${status} and points to ${other.url}`,
  })
  expect(other.received).toHaveLength(0)
})

test('a redirect that goes round in circles ends', async () => {
  const service = await fakeService({ status: 307, headers: { location: '/' } })
  expect(await rejectionOf(post(service.url))).toMatchObject({ worth: 'never' })
  expect(service.received).toHaveLength(4)
})
