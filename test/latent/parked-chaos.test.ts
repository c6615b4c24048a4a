import { expect, test } from 'vitest'
import type { FakeFault, FakeOperation } from '../../workers/fake/index.ts'
import { Random } from '../torture/random.ts'
import { commonFaults } from './common-faults.ts'
import { expectBuiltOnce } from './expect-built-once.ts'
import { builder, LatentWorld } from './latent-world.ts'
import { MasterKiller } from './master-killer.ts'

const seed = Number(process.env.ROUSE_TEST_SEED ?? Math.floor(Math.random() * 1_000_000))
const requests = Number(process.env.ROUSE_CHAOS_REQUESTS ?? 120)
const most = { warm: 3, aging: 2 } as const

test(
  `${requests} builds on machines that are parked in between, under faults of every kind and masters that are killed, are each built once, and no machine runs that is parked (ROUSE_TEST_SEED=${seed})`,
  { timeout: 200_000 },
  async () => {
    const random = new Random(seed)
    const chance = (probability: number) => random.next() < probability
    const began = new Map<string, number>()
    const common = { idle: 'stop', buildWaitTimeout: 3, startTimeout: 120, maxStartAttempts: 1000 } as const
    const world = await LatentWorld.open({
      workers: {
        warm: { ...common, instances: { max: most.warm } },
        aging: { ...common, instances: { max: most.aging, maxAge: 1000, maxBuildsPerInstance: 5 } },
      },
      builders: [builder('a', 'warm'), builder('b', 'warm', 'aging'), builder('c', 'aging')],
      cloud: { listLag: 3, bootTime: 2000 },
      maxInfraRetries: 1000,
      maxDisconnected: 200,
      command: async ({ command }, { signal }) => {
        began.set(command, (began.get(command) ?? 0) + 1)
        await world.clock.sleep(random.between(500, 5000), signal).catch(() => {})
        return 0
      },
    })
    const { clock, cloud, database } = world
    const { db } = database
    cloud.chance = (operation) => faultOf(operation, random)
    const mistakes = new Set<string>()
    cloud.witness = () => {
      for (const [worker, max] of Object.entries(most)) {
        const ids = new Set(cloud.machines.filter(({ spec }) => spec.worker === worker).map(({ id }) => id))
        if (ids.size > max) mistakes.add(`${ids.size} machines of ${worker}`)
      }
    }
    // Since when it runs although its row says that it is parked.
    const wrong = new Map<string, number>()
    const lookAtParked = async () => {
      const rows = await db.selectFrom('instances').select('id').where('state', '=', 'parked').execute()
      const parked = new Set(rows.map(({ id }) => id))
      const runs = cloud.machines.filter(({ id, off }) => !off && parked.has(id)).map(({ id }) => id)
      for (const id of wrong.keys()) if (!runs.includes(id)) wrong.delete(id)
      for (const id of runs) {
        const since = wrong.get(id) ?? clock.now()
        wrong.set(id, since)
        if (clock.now() - since > 180_000) mistakes.add(`${id} runs although it is parked`)
      }
    }
    const killer = new MasterKiller(world, random, { longest: 60 })
    const misfortune = async () => {
      const { machines } = cloud
      if (machines.length > 0) {
        const machine = random.pick(machines)
        if (chance(0.002)) machine.fail('kernel panic')
        if (chance(0.001)) cloud.remove(machine)
        // Somebody starts or stops it by hand.
        if (chance(0.001)) machine.off = false
        if (chance(0.001)) machine.park()
        if (chance(0.01)) world.agents.get(machine)?.drop()
      }
      await killer.perhaps()
    }
    const ids: number[] = []
    let quietUntil = 0
    let looks = 0
    await world.until(
      'the last build',
      async () => {
        await misfortune()
        if (++looks % 10 > 0) return false
        await lookAtParked()
        const open = await db.selectFrom('requests').select('id').where('state', '<>', 'complete').execute()
        if (open.length > 0 || clock.now() < quietUntil) return false
        quietUntil = clock.now() + random.between(0, 40_000)
        const wave = Math.min(random.between(1, 4), requests - ids.length)
        const forced = Array.from({ length: wave }, () => world.force(random.pick(['a', 'b', 'c'])))
        ids.push(...(await Promise.all(forced)))
        return wave === 0
      },
      { timeout: 180_000 },
    )
    cloud.chance = () => undefined
    await world.master.configure([], [])
    await world.empty(1000)
    const of = (operation: FakeOperation) =>
      cloud.calls.filter((call) => call.operation === operation && call.outcome === 'ok').length
    console.log(
      `parked: seed ${seed}, ${killer.kills} kills, ${of('start')} starts, ${of('park')} parked, ${of('reset')} woken for ${requests} requests`,
    )

    expect([...mistakes]).toEqual([])
    expect([...began].filter(([, times]) => times > 1)).toEqual([])
    await expectBuiltOnce(db, ids)
    expect(cloud.machines).toEqual([])
  },
)

function faultOf(operation: FakeOperation, random: Random): FakeFault | undefined {
  const common = commonFaults(random, { slowest: 20_000 })
  const ofReset: FakeFault[] = [
    { error: { code: 'CAPACITY', message: 'there is no room' } },
    { pretended: true },
  ]
  if (random.next() > 0.15) return undefined
  return random.pick(operation === 'reset' ? [...common, ...ofReset] : common)
}
