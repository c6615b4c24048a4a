import { execFile, spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../../helpers/temp-dir.ts'
import { said } from '../../helpers/said.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { launchAgent, startAgent } from '../run-test-agent.ts'
import { WireMaster } from '../wire-master.ts'

test('an agent logs in with name and password and says what machine it is', async () => {
  const master = await WireMaster.start({ password: 'päss:word' })
  const agent = await startAgent(master, { password: 'päss:word' })
  expect(Buffer.from(master.authorizations[0]!.slice(6), 'base64').toString()).toBe('bot:päss:word')
  expect(master.current.hello).toMatchObject({ protocol: 1, commands: [], facts: { node: process.version } })
  await said({ output: () => agent.log.text }, `connected to ${master.url}/agent as bot`)
})

test('a password that others could read on the way is warned about', async () => {
  const agent = await launchAgent({ masters: ['http://rouse.invalid:8010', 'ws://127.0.0.1:1'] })
  await said({ output: () => agent.log.text }, 'warn the password goes to rouse.invalid:8010 in the clear')
  expect(agent.log.text).not.toContain('the password goes to 127.0.0.1')
})

const openssl = spawnSync('openssl', ['version']).status === 0

test.skipIf(!openssl)(
  `an agent trusts a master with a certificate of the given authority only${openssl ? '' : ' (needs openssl)'}`,
  async () => {
    const dir = await tempDir()
    const options =
      '-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=rouse-test -addext subjectAltName=IP:127.0.0.1'
    const files = ['-keyout', join(dir, 'key'), '-out', join(dir, 'cert')]
    await promisify(execFile)('openssl', ['req', ...options.split(' '), ...files])
    const [key, cert] = [await readFile(join(dir, 'key'), 'utf8'), await readFile(join(dir, 'cert'), 'utf8')]
    const master = await WireMaster.start({ tls: { key, cert } })
    const stranger = await launchAgent({ masters: [master.url] })
    await waitFor('the refusal', () => stranger.log.text.includes('self-signed certificate'))
    await startAgent(master, { ca: cert })
    expect(await master.shell('true').done()).toMatchObject({ exitCode: 0 })
    expect(master.connections).toHaveLength(1)
  },
)

test('a refused login is told with status, code, message and advice, and tried again later', async () => {
  const master = await WireMaster.start({ refuse: (_, socket) => refuse(socket, 401, 'Unauthorized') })
  const agent = await launchAgent({ masters: [master.url], password: 'wrong' })
  await waitFor('the refusal', () => agent.log.text.includes('refused'))
  expect(agent.log.text).toMatch(
    /^error ws:\S+ refused this agent: HTTP 401 ROUSE_AGENT_LOGIN_REFUSED: wrong password\. Check --name; trying again in (1[5-9]|2\d|30) s$/m,
  )
  expect(agent.log.text).not.toContain('"wrong"')
})

test('with several masters the next one is asked when the first refuses or is away', async () => {
  const refusing = await WireMaster.start({
    refuse: (_, socket) => refuse(socket, 503, 'Service Unavailable'),
  })
  const away = await unusedUrl()
  const good = await WireMaster.start()
  const agent = await launchAgent({ masters: [away, refusing.url, good.url] })
  await good.connected()
  await said({ output: () => agent.log.text }, `cannot connect to ${away}/agent`)
  await said({ output: () => agent.log.text }, `cannot connect to ${refusing.url}/agent: HTTP 503`)
})

test('when its master goes away the agent finds the other one and takes its commands along', async () => {
  const first = await WireMaster.start()
  const second = await WireMaster.start()
  await startAgent(first, { masters: [first.url, second.url] })
  const command = first.shell('echo here; sleep 60', { grace: 0 })
  await waitFor('the line', () => command.text() === 'here\n')
  second.commands.set(command.id, command)
  await first.stop()
  await second.connected()
  second.send({ type: 'cancel', command: command.id, reason: 'moved' })
  expect(await command.done()).toMatchObject({ reason: 'cancelled', message: 'moved' })
})

test('an agent that was cut off is back when its master listens again', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  const { port } = master
  await master.stop()
  await waitFor('a failed attempt', () => agent.log.text.includes('cannot connect'))
  const again = await WireMaster.start({}, port)
  await again.connected()
})

test('heartbeats go out at the interval that the master sets, and any message counts as a sign of life', async () => {
  const master = await WireMaster.start({ welcome: { heartbeat: 0.05 } })
  const agent = await startAgent(master)
  const connection = master.current
  const alive = setInterval(() => connection.socket.send('{"type":"keepalive"}'), 20)
  onTestFinished(() => clearInterval(alive))
  await waitFor('ten heartbeats', () => connection.count('heartbeat') >= 10)
  expect(master.connections).toHaveLength(1)
  clearInterval(alive)
  await master.connected(2)
  await said({ output: () => agent.log.text }, 'the master has been silent for three heartbeats')
})

test('a master of another protocol is refused with a word on what to upgrade', async () => {
  const master = await WireMaster.start({ welcome: { protocol: 99 } })
  const agent = await launchAgent({ masters: [master.url] })
  await waitFor('the refusal', () => agent.log.text.includes('protocol'))
  await said(
    { output: () => agent.log.text },
    'the master speaks protocol 99, this agent 1: upgrade the agent',
  )
  expect(agent.log.text).not.toContain('connected to')
})

test.each([
  ['text that is not JSON', 'nonsense'],
  ['a message that does not exist', '{"type":"reboot"}'],
  ['a binary message', Buffer.from([1, 2, 3])],
  ['a run without an operation', '{"type":"run","command":"x"}'],
])('a master that sends %s loses the connection, and the agent lives on', async (_, data) => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  master.current.socket.send(data)
  await master.connected(2)
  await said({ output: () => agent.log.text }, 'a message was not understood')
  expect(await master.shell('true').done()).toMatchObject({ exitCode: 0 })
})

test('a connection that a master closes with a reason shows that reason', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  master.current.socket.close(1000, 'the master is stopping')
  await master.connected(2)
  await said(
    { output: () => agent.log.text },
    `disconnected from ${master.url}/agent: the master is stopping`,
  )
})

test('draining without a connection and without commands ends the agent', async () => {
  const agent = await launchAgent({ masters: [await unusedUrl()] })
  await waitFor('a failed attempt', () => agent.log.text.includes('cannot connect'))
  agent.drain()
  await agent.ended
})

test('draining waits for the master, and cancelling tells it so; a lost master does not hold up a cancelled drain', async () => {
  const master = await WireMaster.start()
  const agent = await startAgent(master)
  const command = master.shell('echo here; sleep 60')
  await waitFor('the line', () => command.text() === 'here\n')
  agent.drain()
  await waitFor('the drain', () => master.current.count('drain') === 1)
  agent.cancel()
  await waitFor('the cancelling drain', () => master.current.count('drain') === 2)
  expect(master.current.messages.filter(({ type }) => type === 'drain')).toEqual([
    { type: 'drain', cancel: false },
    { type: 'drain', cancel: true },
  ])
  await master.stop()
  await agent.ended
})

function refuse(socket: Duplex, status: number, text: string): true {
  const body = JSON.stringify({
    code: 'ROUSE_AGENT_LOGIN_REFUSED',
    message: 'wrong password',
    advice: 'Check --name.',
  })
  socket.end(
    `HTTP/1.1 ${status} ${text}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  return true
}

/** Of a port on which nobody listens any more. */
async function unusedUrl(): Promise<string> {
  const server: Server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `ws://127.0.0.1:${port}`
}
