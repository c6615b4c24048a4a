import { setTimeout as delay } from 'node:timers/promises'
import { contract } from '../backends/contract/contract.ts'
import { openOpenStackBackend } from '../workers/openstack/open-openstack-backend.ts'
import { silentServer } from '../helpers/silent-server.ts'
import { RealOpenStack, missingOpenStack } from './real-openstack.ts'

/** A zone in which every build fails, where the cloud has one. */
const { ROUSE_TEST_OS_BROKEN_ZONE, ROUSE_TEST_OS_KEEP } = process.env

contract('real OpenStack', async () => {
  const missing = missingOpenStack()
  if (missing) return missing
  const cloud = await RealOpenStack.open()
  const silent = await silentServer()
  const template = await cloud.template()
  const over = new AbortController()
  const filling = ROUSE_TEST_OS_KEEP === 'fill' ? fillImages(cloud, over.signal) : undefined
  const nowhere = { username: 'ci', projectName: 'ci', password: 'x' as never }
  return {
    open: (cluster) => openOpenStackBackend({}, cluster),
    agent: { file: '/nowhere/rouse-agent.mjs', sha256: '', masters: ['ws://127.0.0.1:1'] },
    template,
    ...(ROUSE_TEST_OS_BROKEN_ZONE && {
      crashing: { template: { ...template, availabilityZone: ROUSE_TEST_OS_BROKEN_ZONE }, output: 'abort' },
    }),
    // 'fill': its Nova has no hypervisor that would store a disk, and the test does so.
    ...(ROUSE_TEST_OS_KEEP && {
      images: {
        from: template.image,
        machine: { ...template, provisions: true },
        using: (image: string) => ({ ...template, image }),
      },
    }),
    rejected: [
      { template: { ...template, image: 'debain' }, reason: /image: there is no image "debain"/ },
      {
        template: { ...template, flavor: 'no-such-flavor' },
        reason: /flavor: there is no flavor "no-such-flavor"/,
      },
      {
        template: { ...template, networks: ['no-such-net'] },
        reason: /network: there is no network "no-such-net"/,
      },
      { template: { ...template, keyName: 'no-such-key' }, reason: /key_name/ },
      { template: { ...template, availabilityZone: 'no-such-zone' }, reason: /zone/ },
    ],
    ...((await hasLittleQuota(cloud)) && {
      async useUp() {
        const { free } = (await cloud.useUp(template))!
        return { template, free }
      },
    }),
    unreachable: (cluster) =>
      openOpenStackBackend({ auth: { ...nowhere, authUrl: 'http://127.0.0.1:1' } }, cluster),
    silent: (cluster) => openOpenStackBackend({ auth: { ...nowhere, authUrl: silent.url } }, cluster),
    bearers: (id) => cloud.bearers(id),
    close: async () => {
      over.abort()
      await filling
      cloud.close()
      await silent.close()
    },
  }
})

async function fillImages(cloud: RealOpenStack, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await cloud.fillImages().catch(() => {})
    await delay(500, undefined, { signal }).catch(() => {})
  }
}

async function hasLittleQuota(cloud: RealOpenStack): Promise<boolean> {
  const { limits } = await cloud.get<{ limits: { absolute: Record<string, number> } }>('/limits')
  const { maxTotalInstances = -1, totalInstancesUsed = 0 } = limits.absolute
  return maxTotalInstances >= 0 && maxTotalInstances - totalInstancesUsed <= 20
}
