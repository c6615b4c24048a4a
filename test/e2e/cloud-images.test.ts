import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { ApiImage } from '../../src/web/image-api.ts'
import { printed, printedJson } from '../helpers/cli-output.ts'
import type { MasterProcess } from '../helpers/master-process.ts'
import { endOf } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { bootSandbox, missingSandbox } from '../helpers/sandbox-machine.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { FakeEc2 } from '../workers/ec2/fake-ec2/fake-ec2.ts'
import { serveFakeEc2 } from '../workers/ec2/fake-ec2/serve-fake-ec2.ts'
import { text } from '../workers/ec2/fake-ec2/query.ts'
import { FakeOpenStack } from '../workers/openstack/fake-openstack/fake-openstack.ts'
import { serveFakeOpenStack } from '../workers/openstack/fake-openstack/serve-fake-openstack.ts'

test('an image of EC2 is provisioned once, rolled over to, rolled back from, and removed with its snapshot', async ({
  skip,
}) => {
  const missing = missingSandbox()
  if (missing !== undefined) return skip(missing)
  const folder = await tempDir()
  const disk = (ref: string | undefined) => ref && join(folder, ref)
  const cloud = new FakeEc2({
    bootMs: 200,
    shutdownMs: 200,
    imageMs: 500,
    boot: async (machine) => {
      const image = cloud.images.find(({ id }) => id === machine.o.image)
      const { request, userData } = machine.o
      const from = disk(image?.made?.machine.ref)
      await (
        await bootSandbox(userData, machine.signal, { from, to: join(folder, machine.ref) })
      ).ended
      if (machine.signal.aborted) return
      const why = ['Client.InstanceInitiatedShutdown', 'Instance initiated shutdown'] as const
      if (text(request, 'InstanceInitiatedShutdownBehavior') === 'stop') machine.stop(Date.now(), ...why)
      else machine.end(Date.now(), ...why)
    },
  })
  const served = await serveFakeEc2(cloud)
  onTestFinished(async () => {
    await cloud.close()
    await served.close()
  })
  await expectLife({
    from: '111122223333/debian-13-amd64-*',
    worker: `(await import('rouse/workers/ec2')).ec2Worker('cloud', {
      region: 'eu-test-1',
      endpoint: '${served.url}',
      ami: ci,
      instanceType: 'c7i.large',
      spot: { fallback: true },
      ...common,
    })`,
    machines: () => cloud.living.length,
    images: () => cloud.images.filter(({ made }) => made?.goneAt === Infinity).map(({ id }) => id),
  })
  expect(cloud.snapshots.size).toBe(1)
}, 400_000)

test('an image of OpenStack is provisioned once, rolled over to, rolled back from, and removed', async ({
  skip,
}) => {
  const missing = missingSandbox()
  if (missing !== undefined) return skip(missing)
  const folder = await tempDir()
  const disk = (ref: string | undefined) => ref && join(folder, ref)
  const cloud = new FakeOpenStack({
    bootMs: 200,
    deleteMs: 200,
    imageMs: 500,
    boot: async (server) => {
      const image = cloud.images.find(({ id }) => id === server.image)
      const from = disk(image?.made?.server.ref)
      await (
        await bootSandbox(server.o.userData, server.signal, { from, to: join(folder, server.ref) })
      ).ended
      if (!server.signal.aborted) server.powerOff()
    },
  })
  const served = await serveFakeOpenStack(cloud)
  onTestFinished(async () => {
    await cloud.close()
    await served.close()
  })
  await expectLife({
    from: 'debian-13',
    worker: `(await import('rouse/workers/openstack')).openstackWorker('cloud', {
      auth: { authUrl: '${served.url}', username: 'ci', password: rouse.secret('PASSWORD'), projectName: 'ci' },
      image: ci,
      flavor: 'm1.small',
      ...common,
    })`,
    machines: () => cloud.present.length,
    images: () => cloud.images.filter(({ made }) => made).map(({ id }) => id),
  })
}, 400_000)

interface Cloud {
  /** The image to begin with. */
  readonly from: string
  /** An expression for the config. */
  readonly worker: string
  machines(): number
  images(): string[]
}

async function expectLife(cloud: Cloud): Promise<void> {
  const master = await startMaster({ config: configOf(cloud), files: { tools: 'one' } })
  const first = await endOf(master, await master.force('unit'), patience)
  expect(first).toMatchObject({ result: 'SUCCESS', worker: 'cloud' })
  expect(first.text).toMatch(/\none\nrouse\nno agent of the image\n/)
  const one = await inUse(master)
  expect(cloud.images()).toEqual([one.ref])
  expect((await printed(master, 'logs', String(one.buildId))).out).toMatch(/tools are put in place/)

  await reconfig(master, 'two; exit 3')
  const isBroken = async () => (await images(master)).find(({ state }) => state === 'failed')
  const broken = await waitFor('the failure', isBroken, { timeout: patience })
  expect(broken.error).toMatch(/^build \d+ ended in FAILURE: .*exit code 3/)
  expect((await inUse(master)).hash).toBe(one.hash)

  await reconfig(master, 'two')
  const isNewer = async () => (await inUse(master)).hash !== one.hash
  await waitFor('the second', isNewer, { timeout: patience })
  const two = await inUse(master)
  expect((await endOf(master, await master.force('unit'), patience)).text).toContain('\ntwo\n')

  await printedJson(master, 'image', 'use', `debian-ci@${one.hash}`)
  await waitFor('the rollback', async () => (await inUse(master)).hash === one.hash)
  expect((await endOf(master, await master.force('unit'), patience)).text).toContain('\none\n')
  expect((await printed(master, 'image', 'remove', `debian-ci@${one.hash}`)).err).toContain(
    'ROUSE_IMAGE_IN_USE',
  )
  const isEmpty = async () => cloud.machines() === 0 && (await master.api('/instances')).items.length === 0
  await waitFor('its machines to go', isEmpty, { timeout: patience })
  expect((await printed(master, 'image', 'remove', `debian-ci@${two.hash}`)).code).toBe(0)
  expect(cloud.images()).toEqual([one.ref])
}

function configOf({ from, worker }: Cloud): string {
  return `
Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIDFAKE', AWS_SECRET_ACCESS_KEY: 'not-a-secret', PASSWORD: 'right' })
const tools = (await import('node:fs')).readFileSync('tools', 'utf8')
const ci = rouse.image('debian-ci', {
  from: '${from}',
  provision: ['touch left-behind; id -un; echo tools are put in place; echo ' + tools + ' >/etc/rouse-test-tools'],
})
// So long a machine may take to power itself off.
const common = { listLag: 5, agentUrl: \`ws://127.0.0.1:\${listen.port}\`, buildWaitTimeout: 0 }
const see = 'cat /etc/rouse-test-tools; id -un; [ -n "$(find /var/lib/rouse /opt/rouse -name left-behind)" ] || echo no agent of the image'
export default rouse.defineMaster({
  listen,
  sweepInterval: 1,
  images: [ci],
  workers: [${worker}],
  builders: [{ name: 'unit', workers: ['cloud'], steps: [rouse.shell(see)] }],
})`
}

async function reconfig(master: MasterProcess, tools: string): Promise<void> {
  await writeFile(join(master.dir, 'tools'), tools)
  expect((await printed(master, 'reconfig')).code).toBe(0)
}

async function images(master: MasterProcess): Promise<ApiImage[]> {
  return (await printedJson<{ items: ApiImage[] }>(master, 'image', 'list')).items
}

async function inUse(master: MasterProcess): Promise<ApiImage> {
  return await waitFor('the image', async () => (await images(master)).find((one) => one.inUse))
}

const patience = 120_000
