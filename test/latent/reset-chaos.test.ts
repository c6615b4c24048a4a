import { expect, test } from 'vitest'
import type { FakeFault, FakeOperation } from '../../workers/fake/index.ts'
import { Random } from '../torture/random.ts'
import { commonFaults, lostConnection } from './common-faults.ts'
import { expectBuiltOnce } from './expect-built-once.ts'
import { builder, LatentWorld } from './latent-world.ts'
import { MasterKiller } from './master-killer.ts'

const seed = Number(process.env.ROUSE_TEST_SEED ?? Math.floor(Math.random() * 1_000_000))
const requests = Number(process.env.ROUSE_CHAOS_REQUESTS ?? 200)

test(
  `of ${requests} builds on machines that are reset after each, under faults of every kind and masters that are killed, none finds anything of another (ROUSE_TEST_SEED=${seed})`,
  { timeout: 200_000 },
  async () => {
    const random = new Random(seed)
    const chance = (probability: number) => random.next() < probability
    const dirty: string[] = []
    const common = { buildWaitTimeout: 60, startTimeout: 120, maxStartAttempts: 1000 }
    const world = await LatentWorld.open({
      workers: {
        vm: { ...common, reset: 'snapshot', instances: { max: 3 } },
        disk: { ...common, reset: 'boot', instances: { max: 2, maxBuildsPerInstance: 5 } },
      },
      builders: [builder('a', 'vm'), builder('b', 'vm', 'disk'), builder('c', 'disk')],
      cloud: { listLag: 3, bootTime: 2000 },
      maxInfraRetries: 1000,
      maxDisconnected: 200,
      command: async ({ command }, machine) => {
        if (machine.disk.size > 0) dirty.push(`${command} found ${[...machine.disk].join()}`)
        machine.disk.add(command)
        const { signal } = machine
        await world.clock.sleep(random.between(500, 8000), signal).catch(() => {})
        return 0
      },
    })
    const { cloud, database } = world
    cloud.chance = (operation) => faultOf(operation, random)
    const { boot } = cloud
    cloud.boot = async (machine) => {
      world.agentAfter = random.between(0, 5000)
      await boot(machine)
    }
    const ids: number[] = []
    const killer = new MasterKiller(world, random, { longest: 60 })
    const misfortune = async () => {
      const { machines } = cloud
      if (machines.length > 0 && chance(0.002)) random.pick(machines).fail('kernel panic')
      if (machines.length > 0 && chance(0.01)) world.agents.get(random.pick(machines))?.drop()
      await killer.perhaps()
    }
    const isOver = async () => {
      const { db } = database
      const open = await db.selectFrom('requests').select('id').where('state', '<>', 'complete').execute()
      return ids.length === requests && open.length === 0
    }
    let looks = 0
    await world.until(
      'the last build',
      async () => {
        await misfortune()
        if (ids.length < requests && chance(0.05)) {
          const wave = Math.min(random.between(1, 20), requests - ids.length)
          const forced = Array.from({ length: wave }, () => world.force(random.pick(['a', 'b', 'c'])))
          ids.push(...(await Promise.all(forced)))
        }
        return looks++ % 20 === 0 && (await isOver())
      },
      { timeout: 150_000 },
    )
    cloud.chance = () => undefined
    await world.empty(1000)
    const of = (operation: FakeOperation) =>
      cloud.calls.filter((call) => call.operation === operation && call.outcome === 'ok').length
    console.log(
      `resets: seed ${seed}, ${killer.kills} kills, ${of('start')} starts, ${of('reset')} resets for ${requests} requests`,
    )

    expect(dirty).toEqual([])
    await expectBuiltOnce(database.db, ids)
  },
)

function faultOf(operation: FakeOperation, random: Random): FakeFault | undefined {
  const common = commonFaults(random, { slowest: 20_000 })
  // Whoever says that all is well must not have handed the new token to a machine that is as it was.
  const ofReset: FakeFault[] = [
    { error: lostConnection, done: true, dirty: true },
    { hangAfter: true, dirty: true },
    { pretended: true },
  ]
  if (random.next() > 0.15) return undefined
  return random.pick(operation === 'reset' ? [...common, ...ofReset] : common)
}
