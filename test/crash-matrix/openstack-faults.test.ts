import { expect, test } from 'vitest'
import { openStackEngineWorld } from '../latent/openstack-engine-world.ts'
import { Random } from '../torture/random.ts'
import { lostAnswer, type OpenStackFault } from '../workers/openstack/fake-openstack/fake-fault.ts'
import { shuffled } from './shuffled.ts'

const seed = Number(process.env.ROUSE_TEST_SEED ?? Math.floor(Math.random() * 1_000_000))
/** `npm run matrix` runs all. */
const { ROUSE_MATRIX_CELLS: cellsToRun = '16' } = process.env

const faults: Readonly<Record<string, OpenStackFault>> = {
  'fails and has done nothing': { error: { status: 500 } },
  'works and answers an error': { done: true, error: { status: 504 } },
  'works and its answer is lost': lostAnswer,
  'is throttled': { error: { status: 429, retryAfter: 2 } },
  'never answers and does nothing': { hang: true },
  'never answers and works': { hang: true, done: true },
  'comes with a revoked token': { error: { status: 401 } },
}

interface Cell {
  readonly action: string
  readonly nth: number
  readonly fault: string
}

test(
  `whatever goes wrong with any call to OpenStack in the life of an instance, it is built once and nothing is left (ROUSE_TEST_SEED=${seed})`,
  { timeout: 3_600_000 },
  async () => {
    const undisturbed = await runLife()
    expect(undisturbed.mistakes).toEqual([])
    const all = cellsOf(undisturbed.actions)
    const cells = cellsToRun === 'all' ? all : shuffled(all, new Random(seed)).slice(0, Number(cellsToRun))
    const failed: string[] = []
    for (const cell of cells) {
      const name = `${cell.action} (${cell.nth}) ${cell.fault}`
      const { mistakes } = await runLife(cell).catch((error: unknown) => ({ mistakes: [String(error)] }))
      if (mistakes.length > 0) failed.push(`${name}: ${mistakes.join('; ')}`)
      process.stderr.write(`${mistakes.length > 0 ? 'FAILED' : 'ok'}  ${name}\n`)
    }
    process.stderr.write(`faults of OpenStack: ${cells.length} of ${all.length} cells, seed ${seed}\n`)
    expect(failed).toEqual([])
  },
)

/** One life cycle of an instance with a disk of its own, an address and one build. */
async function runLife(cell?: Cell): Promise<{ actions: string[]; mistakes: string[] }> {
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

function cellsOf(actions: readonly string[]): Cell[] {
  const times = new Map<string, number>()
  return actions.flatMap((action) => {
    const nth = (times.get(action) ?? 0) + 1
    times.set(action, nth)
    // Lists come again and again: the first few tell all.
    if (nth > 4) return []
    return Object.keys(faults).map((fault) => ({ action, nth, fault }))
  })
}
