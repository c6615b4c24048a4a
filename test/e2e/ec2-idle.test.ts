import { expect, onTestFinished, test } from 'vitest'
import { scriptAt } from '../helpers/cloud-init.ts'
import { runBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { openSandboxDisk, type SandboxDisk } from '../helpers/sandbox-disk.ts'
import { missingSandbox, type SandboxMachine } from '../helpers/sandbox-machine.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { FakeEc2 } from '../workers/ec2/fake-ec2/fake-ec2.ts'
import { serveFakeEc2 } from '../workers/ec2/fake-ec2/serve-fake-ec2.ts'

test('an idle machine of EC2 is stopped, takes the next build with what the first has left, and is gone at the end', async ({
  skip,
}) => {
  const missing = missingSandbox()
  if (missing !== undefined) return skip(missing)
  const boots: SandboxMachine[] = []
  let disk: SandboxDisk | undefined
  const cloud = new FakeEc2({
    bootMs: 200,
    shutdownMs: 500,
    boot: async (machine) => {
      const { signal } = machine
      disk ??= await openSandboxDisk()
      await boots.at(-1)?.ended
      const script = scriptAt(boots.length + 1, machine.userData) ?? 'echo nothing is run'
      const sandbox = await disk.boot(script, signal)
      boots.push(sandbox)
      await sandbox.ended
      if (!signal.aborted)
        machine.end(Date.now(), 'Client.InstanceInitiatedShutdown', 'Instance initiated shutdown')
    },
  })
  const served = await serveFakeEc2(cloud)
  onTestFinished(async () => {
    await cloud.close()
    await disk?.close()
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
    ami: 'ami-0aaa',
    instanceType: 'c7i.large',
    agentUrl: \`ws://127.0.0.1:\${listen.port}\`,
    idle: 'stop',
    buildWaitTimeout: 1,
    pricePerHour: 1,
  })],
  builders: [{ name: 'unit', workers: ['cloud'], steps: [
    rouse.shell('cat note; date +%s%N >>note; cat /srv/planted; ln -sf /srv/planted /var/lib/rouse/token; id -un') ] }],
})`,
  })
  const build = async () =>
    runBuild(master, 'unit').catch((error: unknown) => {
      throw new Error(boots.map((one) => one.output()).join('\n'), { cause: error })
    })
  const parked = () =>
    waitFor('it to be parked', async () => {
      const { items } = await master.api('/instances')
      return items[0]?.state === 'parked'
    })
  const first = await build()
  expect(first).toMatchObject({ result: 'SUCCESS' })
  await parked()
  const [machine] = cloud.living
  expect(machine!.stateAt(Date.now())).toMatch(/^stop/)
  const second = await build()
  expect(second).toMatchObject({ result: 'SUCCESS', instance: first.instance })
  expect(first.text).toContain('note: No such file or directory')
  // Root does not write to where a build has pointed.
  expect(second.text).toMatch(/\n\d{19}\ncat: \/srv\/planted: No such file or directory\nrouse\n/)
  await parked()
  expect(cloud.living).toEqual([machine])
  expect(boots).toHaveLength(2)
  await master.api('/workers/cloud/drain', { method: 'POST', json: {} })
  await waitFor('the end of the machine', () => cloud.living.length === 0)
  await waitFor('the end of the instance', async () => (await master.api('/instances')).items.length === 0)
}, 180_000)
