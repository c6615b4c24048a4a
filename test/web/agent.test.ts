import { randomBytes, randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { encodeControl } from '../../src/protocol/control.ts'
import type { Hello } from '../../src/protocol/messages.ts'
import { encodeOutputFrame, maxFrameBytes, type OutputFrame } from '../../src/protocol/output-frame.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { ask, askRaw, Listener, upgrade } from './ask.ts'
import { useTestWeb } from './start-test-web.ts'

const web = useTestWeb()
const basic = (name: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
})
const v1 = { 'sec-websocket-protocol': 'rouse.agent.v1' }
const login = (headers = basic('bot', 'right')) =>
  Listener.open(`${web().url}/agent`, ['rouse.agent.v1'], headers)
const tryLogin = (headers: Record<string, string>) => upgrade(`${web().url}/agent`, headers)

const hello: Hello = {
  type: 'hello',
  protocol: 1,
  version: '0.1.0',
  runId: randomUUID(),
  facts: { os: 'linux', arch: 'x64', cpus: 1, memory: 1, hostname: 'here', node: '24' },
  commands: [],
}
const frame: OutputFrame = {
  command: randomUUID(),
  log: 0,
  codec: 'none',
  offset: 0,
  rawLength: 3,
  lines: 1,
  runs: [{ stream: 'stdout', length: 3 }],
  body: Buffer.from('hi\n'),
}

describe('an agent', () => {
  test('that logs in is handed to the fleet with its messages, its output and its address', async () => {
    const agent = await login()
    expect(agent.socket.protocol).toBe('rouse.agent.v1')
    expect(web().logins).toEqual([['bot', 'right', '127.0.0.1']])
    agent.socket.send(encodeControl(hello))
    agent.socket.send(encodeOutputFrame(frame))
    const [session] = web().sessions
    await waitFor('the frame', () => session!.frames.length === 1)
    expect(session).toMatchObject({ worker: 'bot', address: '127.0.0.1', messages: [hello] })
    expect(session!.frames[0]).toEqual(frame)
  })

  test('receives what the fleet sends', async () => {
    const agent = await login()
    web().sessions[0]!.link.send({ type: 'heartbeat' })
    await waitFor('the message', () => agent.messages.length === 1)
    expect(agent.messages).toEqual([{ type: 'heartbeat' }])
  })

  test('may come by any host name, with a name and a password of any characters', async () => {
    await tryLogin({ ...v1, ...basic('böt', 'pass:wörd'), host: 'build.internal:8010' })
    expect(web().logins).toEqual([['böt', 'pass:wörd', '127.0.0.1']])
  })

  test('says its run before it connects; what is no run is not passed on', async () => {
    const run = randomUUID()
    await tryLogin({ ...v1, ...basic('bot', 'guess'), 'rouse-run-id': run })
    await tryLogin({ ...v1, ...basic('bot', 'guess'), 'rouse-run-id': "'; drop table" })
    expect(web().logins.map(([, , , runId]) => runId)).toEqual([run, undefined])
  })

  test('may propose a credential to log in with from then on; what is none is not passed on', async () => {
    const credential = randomBytes(32).toString('base64url')
    for (const header of [credential, `${credential}x`, `${credential.slice(1)}!`, ''])
      await tryLogin({ ...v1, ...basic('dock-1', 'guess'), 'rouse-credential': header })
    expect(web().credentials).toEqual([credential, undefined, undefined, undefined])
  })

  test('answers a ping, and is known to be dead when it does not in time or has gone', async () => {
    const agent = await login()
    const { link } = web().sessions[0]!
    expect(await link.ping(20_000)).toBe(true)
    const socket = (agent.socket as unknown as { _socket: Socket })._socket
    socket.pause()
    expect(await link.ping(50)).toBe(false)
    agent.socket.terminate()
    expect(await link.ping(20_000)).toBe(false)
  })

  test('that leaves is reported once, with its reason', async () => {
    const agent = await login()
    agent.socket.close(1000, 'good night')
    await waitFor('the end', () => web().sessions[0]!.closed)
    expect(web().sessions[0]!.closed).toBe('good night')
  })

  test('whose connection is cut is reported', async () => {
    const agent = await login()
    agent.socket.terminate()
    await waitFor('the end', () => web().sessions[0]!.closed)
    expect(web().sessions[0]!.closed).toBe('the connection was lost')
  })

  test('that the fleet closes is told why; what it sends after that is dropped, and sending to it does nothing', async () => {
    const agent = await login()
    const [session] = web().sessions
    const reason = `silent: ${'ü'.repeat(200)}`
    session!.link.close(reason)
    agent.socket.send(encodeControl(hello))
    session!.link.send({ type: 'heartbeat' })
    await waitFor('the end', () => session!.closed)
    session!.link.send({ type: 'heartbeat' })
    session!.link.close('again')
    expect(session!.closed).toBe(reason)
    expect(session!.messages).toEqual([])
    await waitFor('the close', () => agent.closed)
    expect(agent.closed!.reason).toMatch(/^silent: ü+$/)
    expect(agent.messages).toEqual([])
  })

  test('is told with 1001 when the master stops', async () => {
    const agent = await login()
    await web().web.close()
    await waitFor('the close', () => agent.closed)
    expect(agent.closed).toMatchObject({ code: 1001 })
    expect(web().sessions[0]!.closed).toMatch(/./)
  })
})

describe('a login is refused before the upgrade', () => {
  test('with 401 and the same words for every wrong name and password', async () => {
    const { status, headers, json } = await tryLogin({ ...v1, ...basic('bot', 'guess') })
    expect(status).toBe(401)
    expect(headers['www-authenticate']).toMatch(/^Basic realm=/)
    expect(json).toEqual({
      code: 'ROUSE_AGENT_LOGIN_REFUSED',
      message: 'unknown worker name or wrong password',
      advice: expect.stringContaining('--name'),
    })
  })

  test.each([
    ['409 when another agent is connected', 'taken', 409, 'ROUSE_AGENT_ALREADY_CONNECTED'],
    ['429 after too many failures', 'often', 429, 'ROUSE_AGENT_TOO_MANY_FAILURES'],
  ])('with %s', async (_name, password, status, code) => {
    const answer = await tryLogin({ ...v1, ...basic('bot', password) })
    expect(answer).toMatchObject({
      status,
      json: { code, message: expect.any(String), advice: expect.any(String) },
    })
  })

  test.each(['Basic', 'Basic !', `Basic ${btoa('nocolon')}`, `Basic ${btoa(':x')}`, 'Bearer abc', undefined])(
    'with 401 when there is no name and password: %s',
    async (authorization) => {
      const { status, json } = await tryLogin({ ...v1, ...(authorization && { authorization }) })
      expect({ status, code: json.code }).toEqual({ status: 401, code: 'ROUSE_AGENT_LOGIN_REFUSED' })
      expect(web().logins).toEqual([])
      expect(web().logged.at(-1)).toMatchObject({ address: '127.0.0.1', level: 40 })
    },
  )

  test.each([undefined, 'rouse.agent.v2', 'chat, superchat'])(
    'with 426 when the subprotocol is %s',
    async (protocol) => {
      const headers = { ...basic('bot', 'right'), ...(protocol && { 'sec-websocket-protocol': protocol }) }
      const { status, json } = await tryLogin(headers)
      expect({ status, code: json.code }).toEqual({ status: 426, code: 'ROUSE_AGENT_VERSION' })
      expect(json.message).toMatch(protocol === 'rouse.agent.v2' ? /protocol 2/ : /rouse\.agent\.v1/)
      expect(web().logins).toEqual([])
    },
  )

  test.each([
    ['rouse.agent.v2, rouse.agent.v3', 'rouse-agent/9.1.0', 'the agent 9.1.0 speaks protocol 3', 'master'],
    ['rouse.agent.v0', 'rouse-agent/0.0.1', 'the agent 0.0.1 speaks protocol 0', 'agent'],
    ['rouse.agent.v7', 'x'.repeat(1000), 'the agent of unknown version speaks protocol 7', 'master'],
  ])('with 426 that says which side to upgrade: %s', async (protocol, agent, said, older) => {
    const headers = { ...basic('bot', 'right'), 'user-agent': agent, 'sec-websocket-protocol': protocol }
    const { json } = await tryLogin(headers)
    expect(json.message).toContain(said)
    expect(json.message).toMatch(new RegExp(`this master [\\d.]+\\S* protocol 1: upgrade the ${older}$`))
    expect(web().logged.at(-1)).toMatchObject({ worker: 'bot', address: '127.0.0.1', level: 40 })
  })

  test('with 429 and when to come again', async () => {
    const { headers } = await tryLogin({ ...v1, ...basic('bot', 'often') })
    expect(headers['retry-after']).toBe('90')
  })

  test('with 426 when it is no upgrade at all', async () => {
    const { status, headers } = await ask(`${web().url}/agent`, { headers: basic('bot', 'right') })
    expect({ status, upgrade: headers.upgrade }).toEqual({ status: 426, upgrade: 'websocket' })
  })

  test('with 403 when a web page tries', async () => {
    const headers = { ...v1, ...basic('bot', 'right'), origin: `http://127.0.0.1:${new URL(web().url).port}` }
    const { status, json } = await tryLogin(headers)
    expect({ status, code: json.code }).toEqual({ status: 403, code: 'ROUSE_ORIGIN_REFUSED' })
    expect(web().logins).toEqual([])
  })

  test('with an answer on the wire that ends the connection', async () => {
    const lines = [
      'GET /agent HTTP/1.1',
      'Host: anything.example',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol: rouse.agent.v1',
      `Authorization: ${basic('bot', 'guess').authorization}`,
    ]
    const answer = await askRaw(web().url, `${lines.join('\r\n')}\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/)
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({
      code: 'ROUSE_AGENT_LOGIN_REFUSED',
    })
    expect(web().sessions).toEqual([])
  })

  test('but not because of what X-Forwarded-For claims', async () => {
    await tryLogin({ ...v1, ...basic('bot', 'guess'), 'x-forwarded-for': '10.9.8.7' })
    expect(web().logins).toEqual([['bot', 'guess', '127.0.0.1']])
  })
})

describe('a session ends', () => {
  test.each<[string, string | Buffer, number]>([
    ['text that is not JSON', 'hello?', 1008],
    ['an unknown message', '{"type":"shutdown"}', 1008],
    ['a message with a wrong field', encodeControl({ ...hello, runId: 'x' }), 1008],
    ['an empty frame', Buffer.alloc(0), 1008],
    ['a frame with an unknown codec', Buffer.alloc(60, 9), 1008],
    [
      'a frame whose runs do not add up',
      encodeOutputFrame({ ...frame, runs: [{ stream: 'stdout', length: 2 }] }),
      1008,
    ],
    ['a frame that is too large', Buffer.alloc(maxFrameBytes + 1), 1009],
  ])('after %s', async (_name, data, code) => {
    const agent = await login()
    agent.socket.send(data)
    await waitFor('the close', () => agent.closed)
    expect(agent.closed!.code).toBe(code)
    const [session] = web().sessions
    await waitFor('the end', () => session!.closed)
    expect(session).toMatchObject({ messages: [], frames: [] })
    if (code === 1008) {
      expect(agent.closed!.reason).toMatch(/./)
      expect(web().logged.at(-1)).toMatchObject({ worker: 'bot', address: '127.0.0.1', level: 40 })
    }
  })

  test('when the master itself fails to handle a message, which hurts nobody else', async () => {
    const [broken, other] = [await login(), await login()]
    broken.socket.send(encodeControl({ type: 'drain', cancel: false }))
    await waitFor('the close', () => broken.closed)
    expect(broken.closed).toMatchObject({ code: 1011 })
    other.socket.send(encodeControl(hello))
    await waitFor('the message', () => web().sessions[1]!.messages.length === 1)
    expect(JSON.stringify(web().logged)).toContain('a bug in the fleet')
  })
})
