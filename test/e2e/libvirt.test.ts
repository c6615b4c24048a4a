import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { freePort } from '../helpers/free-port.ts'
import { daemonForFile } from '../helpers/libvirt/daemon-for-file.ts'
import type { LibvirtWorkerOptions } from '../../workers/libvirt/index.ts'
import { guestOptions } from '../helpers/libvirt/guest-options.ts'
import type { LibvirtDaemon } from '../helpers/libvirt/libvirt-daemon.ts'
import { testGuest } from '../helpers/libvirt/test-guest.ts'
import { endOf } from '../helpers/run-build.ts'
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
  const master = await startMaster({
    config: await configOf(
      { ...guestOptions(daemon.uri, guest), buildWaitTimeout: 1, env: { GREETING: 'hello' } },
      ['echo $GREETING; git --version; hostname; id -un'],
    ),
  })
  const build = await endOf(master, await master.force('unit'), patience)
  expect(build).toMatchObject({ result: 'SUCCESS', worker: 'virt' })
  expect(build.text).toMatch(/\nhello\ngit version .*\nrouse-\w+-virt-1-\w+\nrouse\n/)
  await waitForNothing(daemon)
}, 300_000)

test('a machine goes back to its snapshot after a build: the file, the process and the clock that it left are gone', async ({
  skip,
}) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const guest = await testGuest()
  if (typeof guest === 'string') return skip(guest)
  const { daemon } = libvirt
  const options = {
    ...guestOptions(daemon.uri, guest),
    reset: 'snapshot',
    buildWaitTimeout: 5,
    // Only root can set the clock. The mark tells one boot from another.
    setup:
      'cp /proc/sys/kernel/random/uuid /run/mark; mkfifo -m 666 /run/clock; (while :; do read -r time </run/clock && date -s "$time"; done) &',
  } as const
  const steps = [
    'ls /tmp/left 2>&1; pgrep -x sleep | wc -l; date +%Y; cat /run/mark',
    'touch /tmp/left; setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo 2042-01-01 >/run/clock; sleep 2; date +%Y',
  ]
  const master = await startMaster({ config: await configOf(options, steps) })
  const first = await endOf(master, await master.force('unit'), patience)
  expect(first.result).toBe('SUCCESS')
  expect(first.text).toContain('\n2042\n')
  const second = await endOf(master, await master.force('unit'), patience)
  expect(second.result).toBe('SUCCESS')
  expect(second.text).toMatch(
    new RegExp(`cannot access '/tmp/left'.*\\n0\\n${new Date().getUTCFullYear()}\\n`),
  )
  expect(markOf(second.text)).toBe(markOf(first.text))
  await waitForNothing(daemon)
}, 400_000)

function markOf(text: string): string {
  return /\n([0-9a-f-]{36})\n/.exec(text)![1]!
}

async function configOf(options: LibvirtWorkerOptions, steps: readonly string[]): Promise<string> {
  const port = await freePort()
  const worker = { ...options, agentUrl: `ws://10.0.2.2:${port}` }
  return `
import { libvirtWorker } from '${backend}'
export default rouse.defineMaster({
  listen,
  agents: { listen: [{ host: '127.0.0.1', port: ${port} }] },
  sweepInterval: 1,
  workers: [libvirtWorker('virt', ${JSON.stringify(worker)})],
  builders: [{ name: 'unit', workers: ['virt'], steps: ${JSON.stringify(steps)}.map((line) => rouse.shell(line)) }],
})`
}

async function waitForNothing(daemon: LibvirtDaemon): Promise<void> {
  await waitFor('the machine to go', async () => (await daemon.domains()).length === 0, { timeout: patience })
  await waitFor('its files to go', async () => (await daemon.volumes()).length === 0)
}

const patience = 120_000
