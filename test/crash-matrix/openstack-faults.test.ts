import { openStackEngineWorld } from '../latent/openstack-engine-world.ts'
import { lostAnswer, type OpenStackFault } from '../workers/openstack/fake-openstack/fake-fault.ts'
import { callFaults, type FaultCell } from './call-faults.ts'

const faults: Readonly<Record<string, OpenStackFault>> = {
  'fails and has done nothing': { error: { status: 500 } },
  'works and answers an error': { done: true, error: { status: 504 } },
  'works and its answer is lost': lostAnswer,
  'is throttled': { error: { status: 429, retryAfter: 2 } },
  'never answers and does nothing': { hang: true },
  'never answers and works': { hang: true, done: true },
  'comes with a revoked token': { error: { status: 401 } },
}

callFaults('OpenStack', faults, runLife)

/** One life cycle of an instance with a disk of its own, an address and one build. */
async function runLife(cell?: FaultCell): Promise<{ actions: string[]; mistakes: string[] }> {
  const began = new Set<string>()
  const twice: string[] = []
  const world = await openStackEngineWorld({
    cloud: { lag: 2000, placeMs: 1000, bootMs: 3000, deleteMs: 4000 },
    worker: { buildWaitTimeout: 0, floatingIp: true, volume: { size: 10 }, networks: ['ci-net'] },
    command: async ({ command }) => {
      if (began.has(command)) twice.push(command)
      began.add(command)
      await world.clock.sleep(20_000)
      return 0
    },
  })
  try {
    const { cloud } = world
    const mistakes: string[] = []
    let seen = 0
    let most = 0
    cloud.chance = (action) => {
      most = Math.max(most, cloud.living.length)
      return cell?.action === action && ++seen === cell.nth ? faults[cell.fault] : undefined
    }
    cloud.calls.length = 0
    await world.master.force('unit')
    await world.over()
    const actions = cloud.calls.map(({ action }) => action)
    // Addresses that could not be released are swept.
    await world.until('the end of what was made beside it', () => cloud.floatingIps.size === 0)
    const builds = await world.builds()
    const results = builds.map(({ result }) => result).join(' ')
    if (results !== 'SUCCESS') mistakes.push(`builds: ${results}`)
    if (twice.length > 0) mistakes.push('a command ran twice')
    if (most > 1) mistakes.push(`${most} servers at once`)
    if (cloud.volumes.size > 0) mistakes.push('a volume is left')
    return { actions, mistakes }
  } finally {
    await world.close()
  }
}
