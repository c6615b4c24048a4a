import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { daemonForFile } from '../helpers/libvirt/daemon-for-file.ts'
import { guestOptions } from '../helpers/libvirt/guest-options.ts'
import { testGuest } from '../helpers/libvirt/test-guest.ts'
import { freePort } from '../helpers/master-process.ts'
import { runBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const libvirt = daemonForFile()
const backend = fileURLToPath(new URL('../../workers/libvirt/index.ts', import.meta.url))

test('a force boots a machine, which fetches the agent from the master, builds, and goes with all that was made for it', async ({
  skip,
}) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const guest = await testGuest()
  if (typeof guest === 'string') return skip(guest)
  const { daemon } = libvirt
  const port = await freePort()
  const options = {
    ...guestOptions(daemon.uri, guest),
    agentUrl: `ws://10.0.2.2:${port}`,
    buildWaitTimeout: 1,
    env: { GREETING: 'hello' },
  }
  const config = `
import { libvirtWorker } from '${backend}'
export default rouse.defineMaster({
  listen,
  agents: { listen: [{ host: '127.0.0.1', port: ${port} }] },
  workers: [libvirtWorker('virt', ${JSON.stringify(options)})],
  builders: [{ name: 'unit', workers: ['virt'], steps: [
    rouse.shell('echo $GREETING; git --version; hostname; id -un') ] }],
})`
  const master = await startMaster({ config })
  const build = await runBuild(master, 'unit')
  expect(build).toMatchObject({ result: 'SUCCESS', worker: 'virt' })
  expect(build.text).toMatch(/\nhello\ngit version .*\nrouse-\w+-virt-1-\w+\nrouse\n/)
  await waitFor('the machine to go', async () => (await daemon.domains()).length === 0, { timeout: 90_000 })
  await waitFor('its files to go', async () => (await daemon.volumes()).length === 0)
}, 300_000)
