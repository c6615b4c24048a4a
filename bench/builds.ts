import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { MasterProcess } from '../test/helpers/master-process.ts'
import type { Row } from './row.ts'

const builds = 400
const atOnce = 8

/** Builds of one step that runs /bin/true, from the first force to the last result, beside bare spawns of it. */
export async function measureBuilds(master: MasterProcess): Promise<Row> {
  const bare = await perSecond(builds, () => spawnTrue())
  const started = performance.now()
  const ids: number[] = []
  await times(builds, async () => void ids.push(await master.force('trivial')))
  for (const id of ids) {
    const { result } = await master.request(id, 300_000)
    if (result !== 'SUCCESS') throw new Error(`a trivial build ended ${result}`)
  }
  const rouse = builds / ((performance.now() - started) / 1000)
  return {
    claim: `trivial builds per second (${builds} builds, ${atOnce} at once, one agent)`,
    measured: `${rouse.toFixed(1)} builds/s`,
    limit: `${bare.toFixed(1)} bare spawns/s`,
    ratio: `${(rouse / bare).toFixed(3)} builds per spawn`,
  }
}

async function spawnTrue(): Promise<void> {
  await once(spawn('/bin/true', { stdio: ['ignore', 'pipe', 'pipe'] }), 'close')
}

async function perSecond(count: number, work: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await times(count, work)
  return count / ((performance.now() - started) / 1000)
}

async function times(count: number, work: () => Promise<void>): Promise<void> {
  let left = count
  const lane = async () => {
    while (left-- > 0) await work()
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
}
