import { expect, onTestFinished, test } from 'vitest'
import { runBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { bootSandbox, missingSandbox, type SandboxMachine } from '../helpers/sandbox-machine.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { FakeOpenStack } from '../workers/openstack/fake-openstack/fake-openstack.ts'
import { serveFakeOpenStack } from '../workers/openstack/fake-openstack/serve-fake-openstack.ts'

test('a server of OpenStack runs its user data, fetches the agent, takes a build, and is gone afterwards', async ({
  skip,
}) => {
  const missing = missingSandbox()
  if (missing !== undefined) return skip(missing)
  const booted: SandboxMachine[] = []
  const cloud = new FakeOpenStack({
    placeMs: 100,
    bootMs: 200,
    deleteMs: 200,
    boot: async (server) => {
      const sandbox = await bootSandbox(server.o.userData, server.signal)
      booted.push(sandbox)
      await sandbox.ended
      // Powered off is not deleted.
      if (!server.signal.aborted) server.powerOff()
    },
  })
  const served = await serveFakeOpenStack(cloud)
  onTestFinished(async () => {
    await cloud.close()
    await served.close()
  })
  const master = await startMaster({
    config: `
const { openstackWorker } = await import('rouse/workers/openstack')
export default rouse.defineMaster({
  listen,
  sweepInterval: 1,
  workers: [openstackWorker('cloud', {
    cloud: 'lab',
    listLag: 0.5,
    image: 'debian-13',
    flavor: 'm1.small',
    agentUrl: \`ws://127.0.0.1:\${listen.port}\`,
    buildWaitTimeout: 1,
  })],
  builders: [{ name: 'unit', workers: ['cloud'], steps: [rouse.shell('id -un; pwd')] }],
})`,
    files: {
      'clouds.yaml': `
clouds:
  lab:
    auth: { auth_url: "${served.url}", username: ci, password: right, project_name: ci }
    region_name: RegionOne
`,
    },
  })
  const build = await runBuild(master, 'unit').catch((error: unknown) => {
    throw new Error(booted.map((one) => one.output()).join('\n'), { cause: error })
  })
  expect(build).toMatchObject({ result: 'SUCCESS' })
  expect(build.text).toContain('\nrouse\n/var/lib/rouse/builds/unit/0\n')
  await waitFor('the end of the server', () => cloud.present.length === 0)
  await booted[0]!.ended
  await waitFor('the end of the instance', async () => {
    const { items } = await master.api('/instances')
    return items.length === 0
  })
  expect(booted).toHaveLength(1)
  expect(cloud.servers.size).toBe(1)
}, 180_000)
