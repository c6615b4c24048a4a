import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { supervisorPid } from '../agent/agent-process.ts'
import { findNode20 } from '../helpers/node20.ts'
import { runBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
export default rouse.defineMaster({
  listen,
  workers: [rouse.staticWorker('bot', { password: 'b0t' })],
  builders: [{ name: 'unit', workers: ['bot'], steps: [rouse.shell('echo installed')] }],
})`

const node20 = findNode20()
const under = node20 ? 'Node.js 20' : 'this Node.js'

test(`one line of curl installs the agent from its master, starts it under ${under}, and it runs a build`, async () => {
  const master = await startMaster({ config })
  const dir = await tempDir()
  await writeFile(join(dir, 'bot.password'), 'b0t\n', { mode: 0o600 })
  const line = `curl -fsSL ${master.url}/agent/install.sh | sh -s -- --dir agent --name bot --password-file bot.password`
  const env = { ...process.env, ...(node20 && { NODE: node20 }) }
  const child = spawn('sh', ['-c', line], {
    cwd: dir,
    env,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const closed = once(child, 'close')
  let output = ''
  child.stderr.on('data', (data) => (output += String(data)))
  onTestFinished(async () => {
    process.kill(-child.pid!, 'SIGKILL')
    process.kill(await supervisorPid(join(dir, 'agent/bot')), 'SIGKILL')
    await closed
  })
  await waitFor(`the agent, which says ${output}`, async () => (await master.api('/workers/bot')).connected)
  expect(await runBuild(master, 'unit')).toMatchObject({
    result: 'SUCCESS',
    text: expect.stringContaining('installed'),
  })
  // What instances get is a copy of the master's own.
  expect(await readdir(join(master.dir, 'rouse-data/agent'))).toEqual([
    expect.stringMatching(/^[\da-f]{64}\.mjs$/),
  ])
})
