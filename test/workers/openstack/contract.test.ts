import { contract } from '../../backends/contract/contract.ts'
import type { ContractSubject } from '../../backends/contract/contract-subject.ts'
import { silentServer } from '../../helpers/silent-server.ts'
import type { OpenStackTemplate } from '../../../workers/openstack/openstack-options.ts'
import { FakeOpenStack, type FakeOpenStackOptions } from './fake-openstack/fake-openstack.ts'
import { FakeServer } from './fake-openstack/fake-server.ts'
import { serveFakeOpenStack } from './fake-openstack/serve-fake-openstack.ts'
import { authAt, openOpenStackBackend, templateOf } from './open-openstack-backend.ts'

const plain = { image: 'debian-13', flavor: 'm1.small' }

contract('OpenStack', () => subjectOf({ bootMs: 50, deleteMs: 50, stopMs: 50, imageMs: 200 }))

contract('OpenStack, with lists that are behind, pages of one entry and roots without versions,', () =>
  subjectOf({ lag: 300, placeMs: 50, bootMs: 100, deleteMs: 200, pageSize: 1, unversioned: true }, 0.4),
)

contract('OpenStack, of an old Nova without Neutron and Cinder,', async () => {
  const { leftover: _, ...subject } = await subjectOf({
    microversion: 1,
    imageMs: 100,
    without: ['network', 'volume'],
  })
  return subject
})

async function subjectOf(
  options: FakeOpenStackOptions,
  listLag = 0.1,
): Promise<ContractSubject<OpenStackTemplate>> {
  const cloud = new FakeOpenStack(options)
  const served = await serveFakeOpenStack(cloud)
  const silent = await silentServer()
  const open = (authUrl: string, cluster: string) =>
    openOpenStackBackend({ auth: authAt(authUrl), listLag, maxCallsPerSecond: 1000 }, cluster)
  return {
    agent: { file: '/nowhere/rouse-agent.mjs', sha256: '', masters: ['ws://127.0.0.1:1'] },
    open: (cluster) => open(served.url, cluster),
    template: templateOf(plain),
    images: {
      from: 'debian-13',
      machine: { ...templateOf(plain), provisions: true },
      using: (ref) => templateOf({ ...plain, image: ref }),
    },
    crashing: {
      template: templateOf({ ...plain, availabilityZone: 'abort' }),
      output: 'aborted: the zone does so',
    },
    rejected: [
      { template: templateOf({ ...plain, image: 'debain' }), reason: /there is no image "debain"/ },
      {
        template: templateOf({ ...plain, image: 'twice' }),
        reason: /2 have the name "twice": write one of 1111/,
      },
      { template: templateOf({ ...plain, flavor: 'm1.tiny' }), reason: /there is no flavor "m1.tiny"/ },
      {
        template: templateOf({ ...plain, keyName: 'kay' }),
        reason: /Invalid key_name provided.*request req-\d+/,
      },
      { template: templateOf({ ...plain, networks: ['none-such'] }), reason: /network/ },
    ],
    async useUp() {
      cloud.full.add('1')
      return { template: templateOf(plain), free: async () => void cloud.full.delete('1') }
    },
    async halfMade({ id, worker }, cluster) {
      const now = cloud.clock.now()
      const metadata = { 'rouse.instance': id, 'rouse.cluster': cluster, 'rouse.worker': worker }
      const times = { createdAt: now - 10_000, placedAt: 0, shownAt: 0, runsAt: now + 1500 }
      const server = {
        ref: cloud.uuid(),
        name: id,
        flavor: '1',
        zone: 'nova',
        request: {},
        userData: '',
        volumes: [],
      }
      const half = new FakeServer({ ...server, metadata, ...times })
      cloud.servers.set(half.ref, half)
    },
    async leftover(id, cluster) {
      const [volume, address] = [cloud.uuid(), cloud.uuid()]
      const metadata = { 'rouse.instance': id, 'rouse.cluster': cluster }
      cloud.volumes.set(volume, { id: volume, status: 'available', metadata })
      const ip = { floating_ip_address: '198.51.100.200', floating_network_id: 'n', port_id: null }
      cloud.floatingIps.set(address, {
        ...ip,
        id: address,
        description: `rouse cluster=${cluster} instance=${id}`,
      })
      return async () => {
        const there = [cloud.volumes.has(volume), cloud.floatingIps.has(address)]
        if (there[0] !== there[1]) throw new Error('only one of them is left')
        return there[0]!
      }
    },
    unreachable: (cluster) => open('http://127.0.0.1:1', cluster),
    silent: (cluster) => open(silent.url, cluster),
    bearers: async (id) => cloud.living.filter((server) => server.id === id).length,
    async close() {
      await served.close()
      await cloud.close()
      await silent.close()
    },
  }
}
