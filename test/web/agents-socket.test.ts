import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readFile, stat, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { WebOptions } from '../../src/web/server.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { upgrade } from './ask.ts'
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

/** The HTTP status of an agent's login without credentials, by the socket. */
async function statusBy(socketPath: string, path = '/agent'): Promise<number> {
  const headers = { 'sec-websocket-protocol': 'rouse.agent.v1' }
  const request = http.get({ socketPath, path, headers, agent: false })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  response.resume()
  return response.statusCode!
}

test('a Unix socket serves agents and nothing else; agents at the main address are served as before', async () => {
  const path = join(await tempDir(), 'sockets', 'agents.sock')
  const { url, web } = await start({ agentsListen: [{ path }] })
  expect(web.agentUrls()).toEqual([`unix:${path}`])
  expect(await statusBy(path)).toBe(426)
  expect(await statusBy(path, '/health')).toBe(200)
  expect(await statusBy(path, '/api/v1/builds')).toBe(404)
  expect((await upgrade(`${url}/agent`)).status).toBe(426)
})

test('any user of a container that is given its folder may connect', async () => {
  const path = join(await tempDir(), 'sockets', 'agents.sock')
  await start({ agentsListen: [{ path }] })
  expect((await stat(path)).mode & 0o777).toBe(0o666)
  expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o755)
})

test('it is gone when the master has stopped', async () => {
  const path = join(await tempDir(), 'agents.sock')
  const { web } = await start({ agentsListen: [{ path }] })
  await web.close()
  await expect(access(path)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('the socket that a killed master left is replaced', async () => {
  const path = join(await tempDir(), 'agents.sock')
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('listening'))`
  const other = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void other.kill('SIGKILL'))
  await once(other.stdout, 'data')
  other.kill('SIGKILL')
  await once(other, 'exit')
  expect((await stat(path)).isSocket()).toBe(true)
  await start({ agentsListen: [{ path }] })
  expect(await statusBy(path)).toBe(426)
})

test('the socket of a living master is left to it', async () => {
  const path = join(await tempDir(), 'agents.sock')
  const other = createServer((socket) => socket.end()).listen(path)
  onTestFinished(() => void other.close())
  await once(other, 'listening')
  await expect(startTestWeb(database, { agentsListen: [{ path }] })).rejects.toMatchObject({
    code: 'ROUSE_LISTEN_FAILED',
    message: `another program, perhaps a master, listens on ${path}`,
  })
  expect((await stat(path)).isSocket()).toBe(true)
})

test('a file that is no socket is left alone', async () => {
  const path = join(await tempDir(), 'agents.sock')
  await writeFile(path, 'precious')
  await expect(startTestWeb(database, { agentsListen: [{ path }] })).rejects.toMatchObject({
    code: 'ROUSE_LISTEN_FAILED',
    message: `${path} is there and is no socket`,
  })
  expect(await readFile(path, 'utf8')).toBe('precious')
})

test('a path that is too long for a socket fails the start, and says how long it may be', async () => {
  const path = `/tmp/${'x'.repeat(120)}/agents.sock`
  await expect(startTestWeb(database, { agentsListen: [{ path }] })).rejects.toMatchObject({
    code: 'ROUSE_LISTEN_FAILED',
    message: `${path} is too long for a socket: 137 bytes`,
    advice: expect.stringContaining('allows 107'),
  })
})

test('agents that come by it are logged without an address of their own', async () => {
  const path = join(await tempDir(), 'agents.sock')
  const { logged } = await start({ agentsListen: [{ path }] })
  await statusBy(path)
  expect(logged.find(({ msg }) => String(msg).startsWith('agent refused'))).toMatchObject({
    address: 'a Unix socket',
  })
})
