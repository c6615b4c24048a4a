import { expect, test } from 'vitest'
import type { FakeFault, FakeOperation } from '../../workers/fake/index.ts'
import { Random } from '../torture/random.ts'
import { commonFaults } from './common-faults.ts'
import { expectBuiltOnce } from './expect-built-once.ts'
import { builder, LatentWorld } from './latent-world.ts'
import { MasterKiller } from './master-killer.ts'

const seed = Number(process.env.ROUSE_TEST_SEED ?? Math.floor(Math.random() * 1_000_000))
const requests = Number(process.env.ROUSE_CHAOS_REQUESTS ?? 1000)
const most = { small: 1, large: 6, fresh: 5 } as const
/** Seconds. */
const idle = 60

test(
  `${requests} requests through pools of a provider that fails in every way, under masters that are killed, are each built once, and nothing is left (ROUSE_TEST_SEED=${seed})`,
  { timeout: 400_000 },
  async () => {
    const random = new Random(seed)
    const chance = (probability: number) => random.next() < probability
    const began = new Map<string, number>()
    const common = { buildWaitTimeout: idle, startTimeout: 300, maxStartAttempts: 1000 }
    const world = await LatentWorld.open({
      workers: {
        small: { ...common },
        large: { ...common, instances: { max: most.large, minIdle: 1 }, maxBuilds: 2 },
        fresh: { ...common, buildWaitTimeout: 0, instances: { max: most.fresh, maxBuildsPerInstance: 3 } },
      },
      builders: [
        builder('a', 'small', 'large'),
        builder('b', 'large', 'fresh'),
        builder('c', 'fresh', 'small'),
      ],
      cloud: { listLag: 3, bootTime: 2000 },
      maxInfraRetries: 1000,
      maxDisconnected: 200,
      command: async ({ command }, machine) => {
        began.set(command, (began.get(command) ?? 0) + 1)
        await world.clock.sleep(random.between(500, 15_000), machine.signal).catch(() => {})
        return 0
      },
    })
    const { cloud, database } = world
    cloud.chance = (operation) => faultOf(operation, random)
    const mistakes = new Set<string>()
    const { boot } = cloud
    cloud.boot = async (machine) => {
      world.agentAfter = random.between(0, 20_000)
      const { db } = database
      const row = await db
        .selectFrom('instances')
        .select('id')
        .where('id', '=', machine.id)
        .executeTakeFirst()
      if (!row) mistakes.add(`machine ${machine.id} has no row`)
      await boot(machine)
    }
    cloud.witness = () => {
      for (const [worker, max] of Object.entries(most)) {
        const ids = new Set(cloud.machines.filter(({ spec }) => spec.worker === worker).map(({ id }) => id))
        if (ids.size > max) mistakes.add(`${ids.size} machines of ${worker}`)
      }
    }

    const ids: number[] = []
    const killer = new MasterKiller(world, random, { longest: 100 })
    const left = async () => {
      const { db } = database
      const open = await db.selectFrom('requests').select('id').where('state', '<>', 'complete').execute()
      return open.length
    }
    const misfortune = async () => {
      const { machines } = cloud
      if (machines.length > 0 && chance(0.003)) cloud.remove(random.pick(machines))
      if (machines.length > 0 && chance(0.002)) random.pick(machines).fail('kernel panic')
      if (machines.length > 0 && chance(0.02)) world.agents.get(random.pick(machines))?.drop()
      await killer.perhaps()
    }
    let looks = 0
    await world.until(
      'the last build',
      async () => {
        await misfortune()
        if (ids.length < requests && chance(0.05)) {
          const wave = Math.min(random.between(1, 100), requests - ids.length)
          const forced = Array.from({ length: wave }, () => world.force(random.pick(['a', 'b', 'c'])))
          ids.push(...(await Promise.all(forced)))
        }
        return ids.length === requests && looks++ % 20 === 0 && (await left()) === 0
      },
      { timeout: 300_000 },
    )
    // The last instance of minIdle would stay.
    await world.master.configure([], [])
    cloud.chance = () => undefined
    await world.empty(1000)
    console.log(
      `chaos: seed ${seed}, ${killer.kills} kills, ${world.agents.size} machines for ${requests} requests`,
    )

    expect([...mistakes]).toEqual([])
    expect([...began].filter(([, times]) => times > 1)).toEqual([])
    await expectBuiltOnce(database.db, ids)
    expect(cloud.machines).toEqual([])
  },
)

function faultOf(operation: FakeOperation, random: Random): FakeFault | undefined {
  const common = commonFaults(random, { slowest: 30_000 })
  const ofStart: FakeFault[] = [
    { error: { code: 'CAPACITY', message: 'there is no room' } },
    { twice: true },
    { vanish: true },
    { crash: 'it could not boot' },
    { lateBy: random.between(100, 3000) },
  ]
  if (random.next() > (operation === 'list' ? 0.1 : 0.25)) return undefined
  return random.pick(operation === 'start' ? [...common, ...ofStart] : common)
}
