import { execFile, spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { proxyText } from '../../../src/agent/connector/proxy.ts'
import { startConnectProxy } from '../../helpers/connect-proxy.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { launchAgent, startAgent } from '../run-test-agent.ts'
import { WireMaster } from '../wire-master.ts'

test('an agent reaches its master through the proxy that HTTP_PROXY names', async () => {
  const proxy = await startConnectProxy('ana:se%cret'.replace('%', '%25'))
  vi.stubEnv('HTTP_PROXY', proxy.url)
  const master = await WireMaster.start()
  const agent = await launchAgent({ masters: [farAway(master)] })
  await waitFor('the refusal', () => agent.log.text.includes('answered 407'))
  expect(agent.log.text).not.toContain('cret')
})

test('a proxy that wants a name and password gets those of its address', async () => {
  const proxy = await startConnectProxy('ana:secret')
  vi.stubEnv('HTTP_PROXY', proxy.url)
  const master = await WireMaster.start()
  await startAgent(master, { masters: [farAway(master)] })
  expect(proxy.targets).toEqual([`master.test:${master.port}`])
  expect(await master.shell('echo through').done()).toMatchObject({ exitCode: 0 })
})

// A name that only the proxy can find: this machine itself is asked for without one.
function farAway({ url }: WireMaster): string {
  return url.replace('127.0.0.1', 'master.test')
}

const openssl = spawnSync('openssl', ['version']).status === 0

test.skipIf(!openssl)(
  `TLS with a private authority works through a proxy${openssl ? '' : ' (needs openssl)'}`,
  async () => {
    const { authority, cert, key } = await makeCertificates()
    const proxy = await startConnectProxy()
    vi.stubEnv('HTTPS_PROXY', proxy.url)
    const master = await WireMaster.start({ tls: { key, cert } })
    const stranger = await launchAgent({ masters: [farAway(master)] })
    await waitFor('the refusal', () => /unable to (get|verify)/.test(stranger.log.text))
    expect(master.authorizations, 'no password went out').toEqual([])
    await startAgent(master, { masters: [farAway(master)], ca: authority })
    expect(proxy.targets).toContain(`master.test:${master.port}`)
    expect(await master.shell('true').done()).toMatchObject({ exitCode: 0 })
  },
)

test('a proxy that is away, or is none, is named, and a password in its address is not', async () => {
  vi.stubEnv('HTTP_PROXY', 'http://ana:secret@127.0.0.1:1')
  const agent = await launchAgent({ masters: ['ws://master.test:2'] })
  await waitFor('the failure', () => agent.log.text.includes('through the proxy 127.0.0.1:1'))
  expect(agent.log.text).not.toContain('secret')
  vi.stubEnv('HTTP_PROXY', 'socks5://127.0.0.1:1')
  const other = await launchAgent({ masters: ['ws://master.test:2'] })
  await waitFor('the failure', () => other.log.text.includes('has no http or https address'))
})

test.each([
  ['ws://ci.example/agent', { HTTP_PROXY: 'p' }, 'p'],
  ['ws://ci.example/agent', { HTTPS_PROXY: 'p' }, ''],
  ['wss://ci.example/agent', { HTTPS_PROXY: 'p', HTTP_PROXY: 'q' }, 'p'],
  ['wss://ci.example/agent', { https_proxy: 'small', HTTPS_PROXY: 'p' }, 'small'],
  ['ws://ci.example/agent', { HTTP_PROXY: 'p', NO_PROXY: 'other.example, ci.example' }, ''],
  ['ws://ci.example/agent', { HTTP_PROXY: 'p', NO_PROXY: 'example' }, ''],
  ['ws://ci.example/agent', { HTTP_PROXY: 'p', NO_PROXY: '.example' }, ''],
  ['ws://ci.example/agent', { HTTP_PROXY: 'p', NO_PROXY: '*.EXAMPLE' }, ''],
  ['ws://ci.example/agent', { HTTP_PROXY: 'p', no_proxy: '*' }, ''],
  ['ws://ci.example/agent', { HTTP_PROXY: 'p', NO_PROXY: 'i.example' }, 'p'],
  ['ws://ci.example:8010/agent', { HTTP_PROXY: 'p', NO_PROXY: 'ci.example:8010' }, ''],
  ['ws://ci.example:8010/agent', { HTTP_PROXY: 'p', NO_PROXY: 'ci.example:80' }, 'p'],
  ['wss://ci.example/agent', { HTTPS_PROXY: 'p', NO_PROXY: 'ci.example:443' }, ''],
  ['ws://[2001:db8::1]:8010/agent', { HTTP_PROXY: 'p', NO_PROXY: '2001:db8::1' }, ''],
  ['ws://[2001:db8::1]:8010/agent', { HTTP_PROXY: 'p', NO_PROXY: '[2001:db8::1]:8010' }, ''],
  ['ws://10.0.0.7:8010/agent', { HTTP_PROXY: 'p', NO_PROXY: ',' }, 'p'],
  ['ws://127.0.0.1:8010/agent', { HTTP_PROXY: 'p' }, ''],
  ['ws://[2001:db8::1]:8010/agent', { HTTP_PROXY: 'p' }, 'p'],
])('for %s and %j the proxy is "%s"', (url, env, expected) => {
  expect(proxyText(new URL(url), env)).toBe(expected)
})

/** A private authority and a certificate of it for master.test. */
async function makeCertificates() {
  const dir = await tempDir()
  const openssl = async (options: string, ...files: string[]) =>
    void (await promisify(execFile)('openssl', [...options.split(' '), ...files], { cwd: dir }))
  const request = 'req -newkey rsa:2048 -nodes'
  await openssl(`${request} -x509 -days 2 -subj /CN=rouse-authority -keyout ca.key -out ca.pem`)
  const name = '-subj /CN=rouse-test -addext subjectAltName=DNS:master.test'
  await openssl(`${request} ${name} -keyout key.pem -out request.pem`)
  await openssl(
    'x509 -req -days 2 -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy -out cert.pem',
  )
  const read = (file: string) => readFile(join(dir, file), 'utf8')
  return { authority: await read('ca.pem'), cert: await read('cert.pem'), key: await read('key.pem') }
}
