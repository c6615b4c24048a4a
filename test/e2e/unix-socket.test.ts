import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { said } from '../helpers/said.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
export default rouse.defineMaster({
  listen,
  agents: { listen: [{ path: 'agents.sock' }] },
  workers: [rouse.staticWorker('bot', { password: 'b0t' })],
  builders: [{ name: 'unit', workers: ['bot'], steps: [rouse.shell('echo by socket')] }],
})`

test('an agent builds over a Unix socket, past any proxy, and finds its master there again after a restart', async () => {
  process.env.http_proxy = 'http://127.0.0.1:1'
  onTestFinished(() => void delete process.env.http_proxy)
  const master = await startMaster({ config })
  const socket = join(master.dir, 'rouse-data/sockets/agents.sock')
  const agent = await master.agent('bot', 'b0t', {
    masters: [`unix:${join(master.dir, 'nobody.sock')}`, `unix:${socket}`],
  })
  await waitFor('the agent', async () => (await master.api('/workers/bot')).connected)
  await said(agent, `connected to unix:${socket} as bot`)
  expect((await master.api('/workers/bot')).address).toBe('a Unix socket')
  expect(await runBuild(master, 'unit')).toMatchObject({ result: 'SUCCESS' })

  await master.end('SIGKILL')
  await master.start()
  await waitFor('the agent again', async () => (await master.api('/workers/bot')).connected)
  expect(await runBuild(master, 'unit')).toMatchObject({ result: 'SUCCESS' })
})
