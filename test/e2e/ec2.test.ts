import { expect, onTestFinished, test } from 'vitest'
import { runBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { bootSandbox, missingSandbox, type SandboxMachine } from '../helpers/sandbox-machine.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { FakeEc2 } from '../workers/ec2/fake-ec2/fake-ec2.ts'
import { serveFakeEc2 } from '../workers/ec2/fake-ec2/serve-fake-ec2.ts'

test('a machine of EC2 runs its user data, fetches the agent, takes a build, and is gone afterwards', async ({
  skip,
}) => {
  const missing = missingSandbox()
  if (missing !== undefined) return skip(missing)
  const booted: SandboxMachine[] = []
  const cloud = new FakeEc2({
    bootMs: 200,
    shutdownMs: 200,
    boot: async (machine) => {
      const sandbox = await bootSandbox(machine.userData, machine.signal)
      booted.push(sandbox)
      await sandbox.ended
      machine.end(Date.now(), 'Client.InstanceInitiatedShutdown', 'Instance initiated shutdown')
    },
  })
  const served = await serveFakeEc2(cloud)
  onTestFinished(async () => {
    await cloud.close()
    await served.close()
  })
  const master = await startMaster({
    config: `
const { ec2Worker } = await import('rouse/workers/ec2')
Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIDFAKE', AWS_SECRET_ACCESS_KEY: 'not-a-secret' })
export default rouse.defineMaster({
  listen,
  sweepInterval: 1,
  workers: [ec2Worker('cloud', {
    region: 'eu-test-1',
    endpoint: '${served.url}',
    listLag: 0.5,
    ami: { owners: ['111122223333'], name: 'debian-13-*' },
    instanceType: 'c7i.large',
    agentUrl: \`ws://127.0.0.1:\${listen.port}\`,
    buildWaitTimeout: 1,
  })],
  builders: [{ name: 'unit', workers: ['cloud'], steps: [rouse.shell('id -un; pwd')] }],
})`,
  })
  const build = await runBuild(master, 'unit').catch((error: unknown) => {
    throw new Error(booted.map((one) => one.output()).join('\n'), { cause: error })
  })
  expect(build).toMatchObject({ result: 'SUCCESS' })
  expect(build.text).toContain('\nrouse\n/var/lib/rouse/builds/unit/0\n')
  await waitFor('the end of the machine', () => cloud.living.length === 0)
  await booted[0]!.ended
  await waitFor('the end of the instance', async () => {
    const { items } = await master.api('/instances')
    return items.length === 0
  })
  expect(booted).toHaveLength(1)
}, 180_000)
