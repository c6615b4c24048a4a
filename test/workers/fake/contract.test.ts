import pino from 'pino'
import type { WorkerBackend } from '../../../src/latent/backend.ts'
import { contract } from '../../backends/contract/contract.ts'
import type { ContractSubject } from '../../backends/contract/contract-subject.ts'
import { FakeCloud, fakeWorker, type FakeTemplate } from '../../../workers/fake/index.ts'
import { serveFakeCloud } from '../../../workers/fake/serve-fake-cloud.ts'

contract('fake', async () => subjectOf(new FakeCloud({ listLag: 0.1, bootTime: 50 })))

contract('fake, by HTTP,', async () => {
  const cloud = new FakeCloud({ listLag: 0.1, bootTime: 50 })
  const served = await serveFakeCloud(cloud)
  const silentCloud = new FakeCloud()
  silentCloud.chance = () => ({ hang: true })
  const silent = await serveFakeCloud(silentCloud)
  const subject = subjectOf(cloud)
  return {
    ...subject,
    open: (cluster) => open({ url: served.url, listLag: 0.1 }, cluster),
    unreachable: (cluster) => open({ url: 'http://127.0.0.1:1' }, cluster),
    silent: (cluster) => open({ url: silent.url }, cluster),
    async close() {
      await Promise.all([served.close(), silent.close()])
      await subject.close()
    },
  }
})

function subjectOf(cloud: FakeCloud): ContractSubject<FakeTemplate> {
  const silent = new FakeCloud()
  silent.chance = () => ({ hang: true })
  return {
    agent: { file: '/nowhere/rouse-agent.mjs', sha256: '', masters: ['ws://127.0.0.1:1'] },
    open: (cluster) => open({ cloud }, cluster),
    template: {},
    images: { from: 'debian', machine: {}, using: (image) => ({ image }) },
    crashing: { template: { crash: 'kernel panic' }, output: 'kernel panic' },
    rejected: [{ template: { reject: 'there is no image "debain"' }, reason: /debain/ }],
    async useUp() {
      cloud.capacity = cloud.machines.length
      return { template: {}, free: async () => void (cloud.capacity = Infinity) }
    },
    halfMade: async (spec, cluster) => void cloud.add(spec, cluster, { runsAt: Infinity }),
    silent: (cluster) => open({ cloud: silent }, cluster),
    pristine: {
      way: 'snapshot',
      soil: async (id) => void machineOf(cloud, id)?.disk.add('soil'),
      isSoiled: async (id) => machineOf(cloud, id)!.disk.has('soil'),
      token: async (id) => machineOf(cloud, id)?.spec.token,
    },
    parking: {
      template: {},
      token: async (id) => machineOf(cloud, id)?.spec.token,
      write: async (id) => void machineOf(cloud, id)?.disk.add('kept'),
      isWritten: async (id) => machineOf(cloud, id)!.disk.has('kept'),
    },
    bearers: async (id) => cloud.machines.filter((machine) => machine.id === id).length,
    close: () => cloud.close(),
  }
}

function machineOf(cloud: FakeCloud, id: string) {
  return cloud.machines.find((machine) => machine.id === id)
}

async function open(
  options: Parameters<typeof fakeWorker>[1],
  cluster: string,
): Promise<WorkerBackend<FakeTemplate>> {
  const { backend } = fakeWorker('dock', options)
  const readSecret = () => ''
  return await backend.open({ cluster, log: pino({ level: 'silent' }), configDir: '/', readSecret })
}
