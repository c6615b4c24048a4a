import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { ApiImage } from '../../src/web/image-api.ts'
import type { ApiInstance } from '../../src/web/instance-api.ts'
import { printed, printedJson } from '../helpers/cli-output.ts'
import { freePort } from '../helpers/free-port.ts'
import { daemonForFile } from '../helpers/libvirt/daemon-for-file.ts'
import { guestOptions } from '../helpers/libvirt/guest-options.ts'
import { testGuest } from '../helpers/libvirt/test-guest.ts'
import type { MasterProcess } from '../helpers/master-process.ts'
import { endOf } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'
import type { LibvirtWorkerOptions } from '../../workers/libvirt/index.ts'

const libvirt = daemonForFile()
const backend = fileURLToPath(new URL('../../workers/libvirt/index.ts', import.meta.url))

test('an image is provisioned, a worker rolls over to a newer one after its build, a broken one is refused, and `use` goes back', async ({
  skip,
}) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const guest = await testGuest()
  if (typeof guest === 'string') return skip(guest)
  const { daemon } = libvirt
  const { image: from, ...options } = guestOptions(daemon.uri, guest)
  const master = await startMaster({
    config: await configOf(String(from), { ...options, buildWaitTimeout: 600 }),
    files: { tools: 'one' },
  })
  const request = await master.force('unit')
  await waitFor('the build', async () => (await master.api(`/requests/${request}`)).buildIds[0], {
    timeout: patience,
  })
  const one = await inUse(master)
  expect(await daemon.volumes()).toContainEqual(
    expect.stringMatching(`^rouse-image.*debian-ci.${one.hash}.qcow2$`),
  )
  const [old] = await instances(master)

  await reconfig(master, 'two')
  await waitFor('the newer one', async () => (await inUse(master)).hash !== one.hash, { timeout: patience })
  const two = await inUse(master)
  expect(await instances(master)).toMatchObject([{ id: old!.id, state: 'busy' }])
  await master.api(`/builders/gate/force`, { method: 'POST', json: {} })
  // Beside the machine of the newer image.
  await reconfig(master, 'three; exit 3')
  const first = await endOf(master, request, patience)
  expect(first.text).toMatch(/\none\nrouse\nno agent of the image\n/)
  const second = await endOf(master, await master.force('unit'), patience)
  expect(second.text).toMatch(/\ntwo\nrouse\n/)

  const broken = await waitFor(
    'the failure',
    async () => (await images(master)).find(({ state }) => state === 'failed'),
    { timeout: patience },
  )
  expect(broken.error).toMatch(/exit code 3/)
  expect((await inUse(master)).hash).toBe(two.hash)

  await printedJson(master, 'image', 'use', `debian-ci@${one.hash}`)
  await waitFor('the newer machine to go', async () => (await instances(master)).length === 0, {
    timeout: patience,
  })
  const third = await endOf(master, await master.force('unit'), patience)
  expect(third.text).toMatch(/\none\nrouse\n/)
  expect((await printed(master, 'image', 'remove', `debian-ci@${one.hash}`)).err).toContain(
    'ROUSE_IMAGE_IN_USE',
  )
}, 400_000)

async function configOf(from: string, options: LibvirtWorkerOptions): Promise<string> {
  const port = await freePort()
  const worker = { ...options, agentUrl: `ws://10.0.2.2:${port}` }
  const say =
    'cat /etc/tools; id -un; ls /var/lib/rouse/builds/image:debian-ci 2>/dev/null || echo no agent of the image'
  return `
import { libvirtWorker } from '${backend}'
import { readFileSync } from 'node:fs'
const { image, shell, localWorker } = rouse
const tools = readFileSync('tools', 'utf8')
const gate = process.cwd() + '/gate'
export default rouse.defineMaster({
  listen,
  agents: { listen: [{ host: '127.0.0.1', port: ${port} }] },
  sweepInterval: 1,
  images: [image('debian-ci', { from: '${from}', provision: ['id -un', 'echo ' + tools + ' >/etc/tools'] })],
  workers: [localWorker('here'), libvirtWorker('virt', { ...${JSON.stringify(worker)}, image: image('debian-ci') })],
  builders: [
    { name: 'unit', workers: ['virt'], steps: [shell(${JSON.stringify(say)}),
      rouse.masterShell('until [ -e ' + gate + ' ]; do sleep 0.2; done', { idempotent: true })] },
    { name: 'gate', workers: ['here'], steps: [shell('touch ' + gate)] },
  ],
})`
}

async function reconfig(master: MasterProcess, tools: string): Promise<void> {
  await writeFile(join(master.dir, 'tools'), tools)
  expect((await printed(master, 'reconfig')).code).toBe(0)
}

async function images(master: MasterProcess): Promise<ApiImage[]> {
  return (await master.api<{ items: ApiImage[] }>('/images')).items
}

async function inUse(master: MasterProcess): Promise<ApiImage> {
  return await waitFor('the image', async () => (await images(master)).find(({ inUse }) => inUse))
}

/** Of the worker that uses the image. */
async function instances(master: MasterProcess): Promise<ApiInstance[]> {
  const { items } = await master.api<{ items: ApiInstance[] }>('/instances?worker=virt')
  return items.filter(({ state }) => state !== 'stopping')
}

const patience = 150_000
