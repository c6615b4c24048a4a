import { contract } from '../../backends/contract/contract.ts'
import type { ContractSubject } from '../../backends/contract/contract-subject.ts'
import { silentServer } from '../../helpers/silent-server.ts'
import type { Ec2Template } from '../../../workers/ec2/ec2-options.ts'
import { FakeEc2, type FakeEc2Options } from './fake-ec2/fake-ec2.ts'
import { serveFakeEc2 } from './fake-ec2/serve-fake-ec2.ts'
import { openEc2Backend, templateOf } from './open-ec2-backend.ts'

const plain = { ami: 'ami-0aaa', instanceType: 'c7i.large' }

contract('EC2', () => subjectOf({ bootMs: 50, shutdownMs: 50, imageMs: 100 }))

contract('EC2, with lists that are behind and pages of one entry,', () =>
  subjectOf({ lag: 300, bootMs: 100, shutdownMs: 200, imageMs: 100, pageSize: 1 }, 0.4),
)

contract('EC2, that shows the ended machine of a used token, with several types and subnets,', async () => {
  const subject = await subjectOf({ lag: 100, shutdownMs: 100 }, 0.2, (cloud) => {
    cloud.endedToken = 'machine'
    cloud.full.add('c7i.xlarge').add('spot')
  })
  const several = {
    ...plain,
    instanceType: ['c7i.xlarge', 'c7i.large'],
    subnetId: ['subnet-1', 'subnet-2'],
    spot: { fallback: true },
  }
  const { spot: _, ...stoppable } = several
  const parking = { ...subject.parking!, template: templateOf({ ...stoppable, idle: 'stop' }) }
  return { ...subject, template: templateOf(several), parking }
})

async function subjectOf(
  options: FakeEc2Options,
  listLag = 0.1,
  change: (cloud: FakeEc2) => void = () => {},
): Promise<ContractSubject<Ec2Template>> {
  const cloud = new FakeEc2(options)
  change(cloud)
  const served = await serveFakeEc2(cloud)
  const silent = await silentServer()
  const open = (endpoint: string, cluster: string) =>
    openEc2Backend({ endpoint, listLag, maxCallsPerSecond: 1000 }, cluster)
  cloud.broken.set('ami-0ddd', 'Client.InternalError')
  return {
    agent: { file: '/nowhere/rouse-agent.mjs', sha256: '', masters: ['ws://127.0.0.1:1'] },
    open: (cluster) => open(served.url, cluster),
    template: templateOf(plain),
    images: {
      from: '111122223333/debian-13-amd64-*',
      machine: { ...templateOf(plain), provisions: true },
      using: (ref) => ({ ...templateOf(plain), ami: ref }),
    },
    crashing: {
      template: templateOf({ ...plain, ami: 'ami-0ddd' }),
      output: 'AWS could not start it (Client.InternalError',
    },
    rejected: [
      { template: templateOf({ ...plain, ami: 'ami-0nothing' }), reason: /InvalidAMIID.NotFound/ },
      { template: templateOf({ ...plain, subnetId: 'subnet-9' }), reason: /InvalidSubnetID.NotFound/ },
      { template: templateOf({ ...plain, instanceType: 'huge' }), reason: /InvalidParameterValue/ },
      {
        template: templateOf({ ...plain, ami: { owners: ['111122223333'], name: 'debain-*' } }),
        reason: /no image of 111122223333 matches "debain-\*"/,
      },
    ],
    async useUp() {
      cloud.full.add('all')
      return { template: templateOf(plain), free: async () => void cloud.full.delete('all') }
    },
    async leftover(id, cluster) {
      const tags = { 'rouse.instance': id, 'rouse.cluster': cluster }
      const volume = cloud.name('vol')
      const allocation = cloud.name('eipalloc')
      cloud.volumes.set(volume, {
        id: volume,
        tags,
        deleteOnTermination: false,
        device: '',
        machine: undefined,
      })
      cloud.addresses.set(allocation, { allocation, ip: '198.51.100.200', tags, association: undefined })
      return async () => {
        const there = [cloud.volumes.has(volume), cloud.addresses.has(allocation)]
        if (there[0] !== there[1]) throw new Error('only one of them is left')
        return there[0]!
      }
    },
    unreachable: (cluster) => open('http://127.0.0.1:1', cluster),
    silent: (cluster) => open(silent.url, cluster),
    parking: {
      template: templateOf({ ...plain, idle: 'stop' }),
      token: async (id) =>
        /token='([^']*)'/.exec(cloud.living.find((machine) => machine.id === id)?.userData ?? '')?.[1],
    },
    bearers: async (id) => cloud.living.filter((machine) => machine.id === id).length,
    async close() {
      await served.close()
      await cloud.close()
      await silent.close()
    },
  }
}
