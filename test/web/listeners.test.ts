import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { WebOptions } from '../../src/web/server.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { ask, upgrade } from './ask.ts'
import { startTestWeb } from './start-test-web.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

async function start(options: Partial<WebOptions>) {
  const started = await startTestWeb(database, options)
  onTestFinished(() => started.web.close())
  return started
}
const loopback = { host: '127.0.0.1', port: 0 }

test('an agents-only listener serves agents and health, and nothing else', async () => {
  const { url, web } = await start({ agentsListen: [loopback, { host: '127.0.0.2', port: 0 }] })
  const [first, second] = web.agentUrls()
  expect(second).toMatch(/^http:\/\/127\.0\.0\.2:\d+$/)
  expect((await upgrade(`${first}/agent`)).status).toBe(426)
  expect((await ask(`${first}/health`, { headers: { host: 'master.internal' } })).status).toBe(200)
  for (const path of ['/', '/ready', '/api/v1/health', '/api/v1/builds', '/api/v1/openapi.json'])
    expect((await ask(first + path)).status, path).toBe(404)
  // And the main one serves no agents then.
  expect((await upgrade(`${url}/agent`)).status).toBe(404)
})

test('an agents-only address that does not exist yet is tried again, and the log says so', async () => {
  const { logged, url, web } = await start({ agentsListen: [{ host: '192.0.2.1', port: 0 }] })
  expect((await ask(`${url}/health`)).status).toBe(200)
  expect(web.agentUrls()).toEqual([])
  expect(logged.find((line) => line.host === '192.0.2.1')).toMatchObject({
    level: 40,
    msg: expect.stringMatching(/192\.0\.2\.1.*trying again/),
  })
  await web.close()
})

const hasNamespaces = spawnSync('unshare', ['-Urn', 'ip', 'address']).status === 0
test.skipIf(!hasNamespaces)('an agents-only address is listened on as soon as it exists', () => {
  const script = fileURLToPath(new URL('late-address.ts', import.meta.url))
  const { stdout, stderr } = spawnSync('unshare', ['-Urn', process.execPath, '--conditions=source', script], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  expect({ stdout, stderr }).toEqual({ stdout: 'listens at first: false\nstatus: 426\n', stderr: '' })
})

test.each(['listen', 'agentsListen'])('an address that is taken fails the start: %s', async (which) => {
  const other = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void other.close())
  await once(other, 'listening')
  const taken = { host: '127.0.0.1', port: (other.address() as AddressInfo).port }
  const options = which === 'listen' ? { listen: taken } : { agentsListen: [taken] }
  await expect(startTestWeb(database, options)).rejects.toMatchObject({
    code: 'ROUSE_LISTEN_FAILED',
    message: expect.stringContaining(`127.0.0.1 port ${taken.port}`),
  })
})

test('an address that does not exist fails the start for page and API', async () => {
  await expect(startTestWeb(database, { listen: { host: '192.0.2.1', port: 0 } })).rejects.toMatchObject({
    code: 'ROUSE_LISTEN_FAILED',
  })
})

test('after closing, nothing listens any more', async () => {
  const { url, web } = await start({ agentsListen: [loopback] })
  const [agents] = web.agentUrls()
  await web.close()
  for (const address of [url, agents!])
    await expect(ask(`${address}/health`)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('closing does not wait for a client that keeps its connection', async () => {
  const { url, web } = await start({})
  const response = await fetch(`${url}/health`)
  await response.text()
  await web.close()
  await waitFor('nothing to listen', () =>
    ask(`${url}/health`).then(
      () => false,
      () => true,
    ),
  )
})
