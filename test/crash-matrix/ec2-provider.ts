import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { instanceToken } from '../../src/latent/token.ts'
import { root, type MasterProcess, type OnEnd } from '../helpers/master-process.ts'
import { FakeEc2 } from '../workers/ec2/fake-ec2/fake-ec2.ts'
import type { FakeMachine } from '../workers/ec2/fake-ec2/fake-machine.ts'
import { serveFakeEc2 } from '../workers/ec2/fake-ec2/serve-fake-ec2.ts'
import type { Provider } from './provider.ts'

/** A fake EC2 in this process that outlives the masters, with a real agent on each machine. */
export async function startEc2Provider(onEnd: OnEnd): Promise<Provider> {
  let master: MasterProcess | undefined
  const boot = async (machine: FakeMachine) => {
    const ends: (() => Promise<unknown>)[] = []
    const key = await readFile(join(master!.dir, 'rouse-data/cluster.key'))
    await master!.agent(machine.id, instanceToken(key, machine.id, 1), {
      command: [process.execPath, '--conditions=source', join(root, 'src/cli.ts'), 'worker', '--instance'],
      onEnd: (end) => ends.unshift(end),
    })
    await new Promise<void>((resolve) => {
      if (machine.signal.aborted) resolve()
      machine.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    for (const end of ends) await end()
  }
  const cloud = new FakeEc2({ boot, lag: 200, bootMs: 300, shutdownMs: 300 })
  cloud.full.add('c7i.xlarge')
  const served = await serveFakeEc2(cloud)
  onEnd(async () => {
    await served.close()
    await cloud.close()
  })
  const provider: Provider = {
    worker: `
const { ec2Worker } = await import('rouse/workers/ec2')
Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIDFAKE', AWS_SECRET_ACCESS_KEY: 'not-a-secret' })
const worker = ec2Worker('dock', {
  region: 'eu-test-1',
  endpoint: '${served.url}',
  listLag: 0.5,
  ami: { owners: ['111122223333'], name: 'debian-13-*', architecture: 'x86_64' },
  instanceType: ['c7i.xlarge', 'c7i.large'],
  elasticIp: true,
  agentUrl: \`ws://127.0.0.1:\${listen.port}\`,
  buildWaitTimeout: 0,
})`,
    // What a killed master has left beside a machine is swept at every sixth list only.
    patience: 150_000,
    witness: () => {},
    // An address costs money, too.
    machines: async () => cloud.living.length + cloud.addresses.size,
    made: () => cloud.machines.size,
    attachTo: (to) => void (master = to),
    cut: () => served.cut(),
  }
  cloud.witness = (call, when) => provider.witness(nameOf(call.action), when === 'asked' ? 'before' : 'after')
  return provider
}

/** Lists come by the clock. */
function nameOf(action: string): string {
  return action === 'DescribeInstances' ? 'list' : action
}
