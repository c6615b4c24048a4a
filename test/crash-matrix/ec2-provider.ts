import { join } from 'node:path'
import { root, type MasterProcess, type OnEnd } from '../helpers/master-process.ts'
import { FakeEc2 } from '../workers/ec2/fake-ec2/fake-ec2.ts'
import type { FakeMachine } from '../workers/ec2/fake-ec2/fake-machine.ts'
import { serveFakeEc2 } from '../workers/ec2/fake-ec2/serve-fake-ec2.ts'
import type { Provider } from './provider.ts'

/** A fake EC2 in this process that outlives the masters, with a real agent on each machine. */
export async function startEc2Provider(onEnd: OnEnd, { parks = false } = {}): Promise<Provider> {
  let master: MasterProcess | undefined
  const lives = new Map<string, Promise<void>>()
  // The next life of a machine begins when nothing of the last one runs any more.
  const boot = (machine: FakeMachine) => {
    const { signal } = machine
    const life = (lives.get(machine.ref) ?? Promise.resolve()).then(() => live(machine, signal))
    lives.set(
      machine.ref,
      life.catch(() => {}),
    )
    return life
  }
  const live = async (machine: FakeMachine, signal: AbortSignal) => {
    if (signal.aborted) return
    const ends: (() => Promise<unknown>)[] = []
    const [, token] = /token='([^']*)'/.exec(machine.userData)!
    await master!.agent(machine.id, token!, {
      baseDir: join(master!.dir, `agent-${machine.ref}`),
      command: [process.execPath, '--conditions=source', join(root, 'src/cli.ts'), 'worker', '--instance'],
      onEnd: (end) => ends.unshift(end),
    })
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
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
  ${parks ? "idle: 'stop', buildWaitTimeout: 1, instances: { maxBuildsPerInstance: 2 }" : 'buildWaitTimeout: 0'},
})`,
    ...(parks && { builds: 2, parks }),
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
