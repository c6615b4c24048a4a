import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { instanceToken } from '../../src/latent/token.ts'
import { root, type MasterProcess, type OnEnd } from '../helpers/master-process.ts'
import { FakeOpenStack } from '../workers/openstack/fake-openstack/fake-openstack.ts'
import type { FakeServer } from '../workers/openstack/fake-openstack/fake-server.ts'
import { serveFakeOpenStack } from '../workers/openstack/fake-openstack/serve-fake-openstack.ts'
import type { Provider } from './provider.ts'

/** A fake OpenStack in this process that outlives the masters, with a real agent on each server. */
export async function startOpenStackProvider(onEnd: OnEnd): Promise<Provider> {
  let master: MasterProcess | undefined
  const boot = async (server: FakeServer) => {
    const ends: (() => Promise<unknown>)[] = []
    const key = await readFile(join(master!.dir, 'rouse-data/cluster.key'))
    await master!.agent(server.id, instanceToken(key, server.id, 1), {
      command: [process.execPath, '--conditions=source', join(root, 'src/cli.ts'), 'worker', '--instance'],
      onEnd: (end) => ends.unshift(end),
    })
    await new Promise<void>((resolve) => {
      if (server.signal.aborted) resolve()
      server.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    for (const end of ends) await end()
  }
  const cloud = new FakeOpenStack({ boot, lag: 200, placeMs: 100, bootMs: 300, deleteMs: 300 })
  const served = await serveFakeOpenStack(cloud)
  onEnd(async () => {
    await served.close()
    await cloud.close()
  })
  const provider: Provider = {
    worker: `
const { openstackWorker } = await import('rouse/workers/openstack')
Object.assign(process.env, {
  OS_AUTH_URL: '${served.url}', OS_USERNAME: 'ci', OS_PASSWORD: 'right', OS_PROJECT_NAME: 'ci' })
const worker = openstackWorker('dock', {
  listLag: 0.5,
  image: 'debian-13',
  flavor: 'm1.small',
  networks: ['ci-net'],
  volume: { size: 10 },
  floatingIp: true,
  agentUrl: \`ws://127.0.0.1:\${listen.port}\`,
  buildWaitTimeout: 0,
})`,
    // What a killed master has left beside a server is swept at every sixth list only.
    patience: 150_000,
    witness: () => {},
    // An address costs money, too.
    machines: async () => cloud.living.length + cloud.floatingIps.size,
    made: () => cloud.servers.size,
    attachTo: (to) => void (master = to),
    cut: () => served.cut(),
  }
  cloud.witness = (call, when) => provider.witness(nameOf(call.action), when === 'asked' ? 'before' : 'after')
  return provider
}

/** Lists come by the clock. */
function nameOf(action: string): string {
  return action === 'listServers' ? 'list' : action
}
