import { ec2EngineWorld } from '../latent/ec2-engine-world.ts'
import { lostAnswer, type Ec2Fault } from '../workers/ec2/fake-ec2/fake-fault.ts'
import { callFaults, type FaultCell } from './call-faults.ts'

const faults: Readonly<Record<string, Ec2Fault>> = {
  'fails and has done nothing': { error: { code: 'InternalError', status: 500 } },
  'works and answers an error': { done: true, error: { code: 'InternalError', status: 500 } },
  'works and its answer is lost': lostAnswer,
  'is throttled': { error: { code: 'RequestLimitExceeded', status: 503 } },
  'never answers and does nothing': { hang: true },
  'never answers and works': { hang: true, done: true },
}

callFaults('EC2', faults, runLife)

/** One life cycle of an instance with a disk, an address and one build. */
async function runLife(cell?: FaultCell): Promise<{ actions: string[]; mistakes: string[] }> {
  const began = new Set<string>()
  const twice: string[] = []
  const world = await ec2EngineWorld({
    cloud: { lag: 2000, bootMs: 3000, shutdownMs: 4000 },
    worker: {
      instanceType: ['c7i.xlarge', 'c7i.large'],
      buildWaitTimeout: 0,
      elasticIp: true,
      volumes: [{ volumeId: 'vol-user', device: '/dev/sdf' }],
    },
    command: async ({ command }) => {
      if (began.has(command)) twice.push(command)
      began.add(command)
      await world.clock.sleep(20_000)
      return 0
    },
  })
  try {
    const { cloud } = world
    cloud.full.add('c7i.xlarge')
    const user = { id: 'vol-user', tags: {}, deleteOnTermination: false, device: '', machine: undefined }
    cloud.volumes.set('vol-user', user)
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
    await world.until(
      'the end of what was made beside it',
      () => cloud.addresses.size === 0 && cloud.volumes.size === 1,
    )
    const builds = await world.builds()
    const results = builds.map(({ result }) => result).join(' ')
    if (results !== 'SUCCESS') mistakes.push(`builds: ${results}`)
    if (twice.length > 0) mistakes.push('a command ran twice')
    if (most > 1) mistakes.push(`${most} machines at once`)
    if (!cloud.volumes.has('vol-user')) mistakes.push("the user's volume is gone")
    return { actions, mistakes }
  } finally {
    await world.close()
  }
}
