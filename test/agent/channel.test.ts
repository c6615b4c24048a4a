import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { AgentProcess, fromSource } from './agent-process.ts'
import { WireMaster } from './wire-master.ts'

const token = (n: number) => `${'t'.repeat(42)}${n}`
const handed = (generation: number, time = Date.now()) =>
  `${JSON.stringify({ time, generation, token: token(generation) })}\n`

/** The host's end of a channel. */
async function openHost() {
  const path = join(await tempDir(), 'channel')
  const host = { path, heard: '', socket: undefined as Socket | undefined }
  const server = createServer((socket) => {
    host.socket = socket
    socket.on('data', (data) => (host.heard += String(data)))
    socket.on('error', () => {})
  })
  server.listen(path)
  await once(server, 'listening')
  onTestFinished(() => {
    host.socket?.destroy()
    server.close()
  })
  return host
}

async function startAgent(channel: string, { master = 'ws://127.0.0.1:1', more = [] as string[] } = {}) {
  const baseDir = await tempDir()
  const options = ['--master', master, '--name', 'bot', '--instance', '--base-dir', baseDir]
  return new AgentProcess([...fromSource, ...options, '--channel', channel, ...more], baseDir)
}

test('an agent at a channel says ready every second, takes its token from there, and logs in with it', async () => {
  const host = await openHost()
  const master = await WireMaster.start({ password: token(3) })
  await startAgent(host.path, { master: master.url })
  await waitFor('two signs of life', () => host.heard.startsWith('ready\nready\n'))
  expect(master.authorizations).toEqual([])
  host.socket!.write(handed(3))
  await master.connected()
  expect(host.heard).toMatch(/^(ready\n)+taken 3\n$/)
  const login = Buffer.from(`bot:${token(3)}`).toString('base64')
  expect(master.authorizations).toEqual([`Basic ${login}`])
})

test('what comes by a channel and is no token is passed over, however long it is', async () => {
  const host = await openHost()
  const master = await WireMaster.start({ password: token(1) })
  const agent = await startAgent(host.path, { master: master.url })
  await waitFor('a sign of life', () => host.heard.includes('ready'))
  host.socket!.write('hello\n{"token":1}\nnull\n')
  host.socket!.write(`${JSON.stringify({ time: Date.now(), generation: 0, token: token(1) })}\n`)
  host.socket!.write(`${JSON.stringify({ time: 1, generation: 1, token: token(1) })}\n`)
  host.socket!.write('x'.repeat(1_000_000))
  await waitFor('the warnings', () => agent.output.split('is no token').length > 4)
  host.socket!.write(`\n${handed(1)}`)
  await master.connected()
})

test('a channel that closes is opened again', async () => {
  const host = await openHost()
  await startAgent(host.path)
  await waitFor('a sign of life', () => host.heard.includes('ready'))
  host.heard = ''
  host.socket!.destroy()
  await waitFor('another', () => host.heard.includes('ready'))
})

test('an agent that gets no token gives up', async () => {
  const host = await openHost()
  const file = join(await tempDir(), 'told')
  const agent = await startAgent(host.path, {
    more: ['--give-up', '1', '--give-up-command', `echo gone > ${file}`],
  })
  expect(await agent.ended()).toBe(1)
  expect(await readFile(file, 'utf8')).toBe('gone\n')
})

test('an agent that is told to end while it waits for a token ends', async () => {
  const host = await openHost()
  const agent = await startAgent(host.path)
  await waitFor('a sign of life', () => host.heard.includes('ready'))
  agent.signal('SIGTERM')
  expect(await agent.ended()).toBe(0)
})

test('whoever sets the clock is told the right time', async () => {
  const host = await openHost()
  const fifo = join(await tempDir(), 'clock')
  spawnSync('mkfifo', [fifo])
  // Both ends, so that nobody waits.
  const file = await open(fifo, 'r+')
  onTestFinished(() => file.close())
  const agent = await startAgent(host.path, { more: ['--clock', fifo] })
  await waitFor('a sign of life', () => host.heard.includes('ready'))
  const time = Date.now() + 7_200_000
  host.socket!.write(handed(1, time))
  const { buffer, bytesRead } = await file.read(Buffer.alloc(100))
  const told = Number(buffer.toString('utf8', 0, bytesRead))
  expect(told).toBeGreaterThan(time - 60_000)
  expect(told).toBeLessThan(time + 60_000)
  await waitFor('the warning', () => agent.output.includes('the clock is wrong by 7200 s'), {
    timeout: 20_000,
  })
})

const script = spawnSync('script', ['--version']).status === 0

test.skipIf(!script)('a channel may be a character device', async () => {
  const tty = join(await tempDir(), 'tty')
  const command = `stty raw -echo; tty > ${tty}; sleep 600`
  const host = spawn('script', ['-qfc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(async () => {
    host.kill('SIGKILL')
    await once(host, 'close').catch(() => {})
  })
  let heard = ''
  host.stdout.on('data', (data) => (heard += String(data)))
  const path = await waitFor('the device', async () => (await readFile(tty, 'utf8').catch(() => '')).trim())
  const master = await WireMaster.start({ password: token(2) })
  await startAgent(path, { master: master.url })
  await waitFor('a sign of life', () => heard.includes('ready\nready\n'))
  host.stdin.write(handed(2))
  await master.connected()
  expect(heard).toContain('taken 2\n')
})

test('a token file that is to be removed is gone once a master has let the agent in, which can be started again', async () => {
  const master = await WireMaster.start()
  const more = ['--instance', '--remove-password-file']
  const agent = await AgentProcess.start(master.url, { more })
  await master.connected()
  const gone = () =>
    stat(join(agent.baseDir, 'password')).then(
      () => false,
      () => true,
    )
  await waitFor('the end of the file', gone)
  agent.signal('SIGKILL')
  await agent.ended()
  const options = ['--master', master.url, '--name', 'bot', '--base-dir', agent.baseDir]
  const file = ['--password-file', join(agent.baseDir, 'password')]
  const again = new AgentProcess([...fromSource, ...options, ...file, ...more], agent.baseDir)
  await waitFor('its login', () => master.credentials.length === 2)
  expect(master.credentials[1]).toBe(master.credentials[0])
  again.signal('SIGKILL')
})

test('without a token file, and before any login, an agent says what is missing', async () => {
  const baseDir = await tempDir()
  await mkdir(join(baseDir, '.rouse'))
  await writeFile(join(baseDir, '.rouse/credential'), 'half\n')
  const options = ['--master', 'ws://127.0.0.1:1', '--name', 'bot', '--base-dir', baseDir, '--instance']
  const file = ['--password-file', join(baseDir, 'nothing'), '--remove-password-file']
  const agent = new AgentProcess([...fromSource, ...options, ...file], baseDir)
  expect(await agent.ended()).toBe(1)
  expect(agent.output).toContain('the token is used up')
})
