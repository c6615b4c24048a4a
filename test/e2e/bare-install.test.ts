import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { userData } from '../../src/latent/user-data.ts'
import { FakeCloud } from '../../workers/fake/index.ts'
import { serveFakeCloud } from '../../workers/fake/serve-fake-cloud.ts'
import { bootBare, type BareMachine } from '../helpers/docker/boot-bare.ts'
import { engineForFile } from '../helpers/docker/engine-for-file.ts'
import { bareImage } from '../helpers/docker/test-images.ts'
import { runBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const engine = engineForFile(bareImage)

const config = `
export default rouse.defineMaster({
  listen,
  workers: [rouse.staticWorker('bot', { password: 'b0t' })],
  builders: [{ name: 'unit', workers: ['bot'], steps: [rouse.shell('id -un; pwd')] }],
})`

// Starts what a unit says as the user that it says: there is no systemd in a container.
const systemctl = `#!/bin/sh
unit=/etc/systemd/system/$2.service
[ "$1" = restart ] || exit 0
su -s /bin/sh -c "$(sed -n 's/^ExecStart=//p' "$unit")" "$(sed -n 's/^User=//p' "$unit")" &
`

test('install.sh --systemd makes an account, brings a Node.js and writes a unit whose agent runs a build', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const master = await startMaster({ config })
  const folder = await tempDir()
  await writeFile(join(folder, 'systemctl'), systemctl)
  await chmod(join(folder, 'systemctl'), 0o755)
  await writeFile(join(folder, 'bot.password'), 'b0t\n', { mode: 0o600 })
  const script = `
cp /seed/systemctl /usr/local/bin/systemctl
wget -qO- ${master.url}/agent/install.sh | sh -s -- --name bot --password-file /seed/bot.password --systemd
cp /etc/systemd/system/rouse-agent-bot.service /seed/unit
ls -ln /opt/rouse-agent/bot.password
wait; sleep 600`
  const machine = await bootBare(engine, script, { folder })
  const build = await runBuild(master, 'unit').catch(async (error: unknown) => {
    throw new Error(await machine.output(), { cause: error })
  })
  expect(build).toMatchObject({ result: 'SUCCESS' })
  expect(build.text).toContain('\nrouse-worker\n/opt/rouse-agent/bot/unit/0\n')
  const said = await machine.output()
  expect(said).toContain('fetching the one of the master')
  expect(said).toContain('made the user rouse-worker')
  expect(said).toMatch(/-rw------- 1 999 /)
  const unit = await readFile(join(folder, 'unit'), 'utf8')
  expect(unit).toContain('ExecReload=/bin/kill -TERM $MAINPID\n')
  expect(unit).toContain('ProtectHome=yes\n')
  const file = join(folder, 'rouse-agent-bot.service')
  // Neither is on the test's own machine.
  await writeFile(
    file,
    unit.replace(/^ExecStart=.*$/m, 'ExecStart=/bin/true').replace('rouse-worker\nRestart', 'root\nRestart'),
  )
  const { error, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
  if (!error) expect(stderr.split('\n').filter((line) => line.includes('rouse-agent-bot'))).toEqual([])
}, 180_000)

/** Hands the token of each generation to the machine that says that it is ready. */
async function openHost() {
  const folder = await tempDir()
  await chmod(folder, 0o755)
  const host = { folder, heard: '', token: '', generation: 0 }
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      host.heard += String(data)
      const { generation, token } = host
      if (String(data).includes('ready') && generation > 0)
        socket.write(`${JSON.stringify({ time: Date.now(), generation, token })}\n`)
    })
  })
  server.listen(join(folder, 'channel'))
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return host
}

test('a machine that boots anew after every build gets its token by a channel, and has nothing of the build before', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const machines: BareMachine[] = []
  const host = await openHost()
  const cloud = new FakeCloud({
    boot: async ({ signal, spec }) => {
      host.token = spec.token
      host.generation = spec.generation
      const { folder } = host
      const machine = await bootBare(engine, userData(spec, { channel: '/seed/channel' }), { folder })
      machines.push(machine)
      signal.addEventListener('abort', () => void machine.container.kill().catch(() => {}))
    },
  })
  const served = await serveFakeCloud(cloud)
  onTestFinished(async () => {
    await cloud.close()
    await served.close()
  })
  const master = await startMaster({
    config: `
const { fakeWorker } = await import('rouse/workers/fake')
export default rouse.defineMaster({
  listen,
  workers: [fakeWorker('vm', { url: '${served.url}', reset: 'boot', buildWaitTimeout: 600 })],
  builders: [{ name: 'unit', workers: ['vm'], steps: [rouse.shell('ls ~; [ ! -e ~/used ] && touch ~/used')] }],
})`,
  })
  for (const generation of [1, 2]) {
    const build = await runBuild(master, 'unit').catch(async (error: unknown) => {
      throw new Error(await machines.at(-1)?.output(), { cause: error })
    })
    expect(build).toMatchObject({ result: 'SUCCESS' })
    expect(host.heard).toContain(`taken ${generation}\n`)
  }
}, 180_000)
