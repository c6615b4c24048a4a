import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startMaster } from '../helpers/run-master.ts'
import { said } from '../helpers/said.ts'
import { startSilentProxy } from '../helpers/silent-proxy.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { connectWireAgent } from '../helpers/wire-agent.ts'

const config = (heartbeat: number) => `
const { defineMaster, staticWorker, shell } = rouse
export default defineMaster({
  listen,
  heartbeatInterval: ${heartbeat},
  workers: [staticWorker('bot', { password: 'b0t' })],
  builders: [{ name: 'long', workers: ['bot'], steps: [shell('echo run >> ran; until [ -e go ]; do sleep 0.1; done; echo end')] }],
})`

test('a connection that swallows everything is noticed by both sides, and the build in flight goes on over a new one', async () => {
  const master = await startMaster({ config: config(0.3) })
  const proxy = await startSilentProxy(master.port)
  const agent = await master.agent('bot', 'b0t', { masters: [proxy.url] })
  const request = await master.force('long')
  const ran = join(agent.baseDir, 'long/0/ran')
  await waitFor('the command', () => readFile(ran, 'utf8'))

  proxy.goSilent()
  await waitFor('the master', () => master.output.includes('agent is silent, dropping its connection'))
  await waitFor('the agent', () => agent.output().includes('silent for three heartbeats'))
  await waitFor('the new connection', async () => (await master.api('/workers/bot')).connected)
  expect(proxy.count()).toBe(2)

  await writeFile(join(agent.baseDir, 'long/0/go'), '')
  const done = await master.request(request)
  expect(done).toMatchObject({ result: 'SUCCESS', buildIds: [expect.any(Number)] })
  expect(await readFile(ran, 'utf8')).toBe('run\n')
})

test('an agent whose link died takes its own place again before the master has noticed', async () => {
  const master = await startMaster({ config: config(30) })
  const proxy = await startSilentProxy(master.port)
  const first = await connectWireAgent({ url: proxy.url, name: 'bot', password: 'b0t' })
  await first.welcome()
  proxy.goSilent()
  const again = await connectWireAgent({
    url: proxy.url,
    name: 'bot',
    password: 'b0t',
    hello: { runId: first.runId },
  })
  await again.welcome()
  expect(master.output).not.toContain('did not answer')
})

test(
  'a second agent is refused with 409 while the first lives, and takes over when it is dead',
  { timeout: 60_000 },
  async () => {
    const master = await startMaster({ config: config(30) })
    const proxy = await startSilentProxy(master.port)
    const first = await connectWireAgent({ url: proxy.url, name: 'bot', password: 'b0t' })
    await first.welcome()
    const baseDir = join(master.dir, 'second')
    const refused = await master.agent('bot', 'b0t', { baseDir })
    await waitFor('the refusal', () => refused.output().includes('HTTP 409 ROUSE_AGENT_ALREADY_CONNECTED'))
    expect(refused.output()).toContain('another agent is connected as "bot" from 127.0.0.1, and it answers')
    expect(first.closed).toBeUndefined()
    await refused.end('SIGKILL')

    proxy.goSilent()
    const second = await master.agent('bot', 'b0t', { baseDir: join(master.dir, 'third') })
    await waitFor('the takeover', () => second.output().includes('connected to'))
    await said(master, 'this one did not answer')
  },
)
