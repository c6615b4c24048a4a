import { expect, test } from 'vitest'
import { ec2EngineWorld } from './ec2-engine-world.ts'

const machines = 40
const mostCalls = 7

test(`${machines} machines are stopped while they are idle and started again under the limits of EC2's API, each with its next token`, async () => {
  const world = await ec2EngineWorld({
    cloud: { lag: 2000, bootMs: 20_000, shutdownMs: 30_000, limits: { perSecond: 20, burst: 50 } },
    worker: { instances: { max: machines }, buildWaitTimeout: 60, listLag: 15, idle: 'stop' },
    patient: true,
    command: async () => {
      await world.clock.sleep(60_000)
      return 0
    },
  })
  try {
    const { cloud } = world
    const wave = async () => {
      for (let i = 0; i < machines; i++) await world.master.force('unit')
      const isParked = async () => (await world.rows()).every(({ state }) => state === 'parked')
      const isBuilt = async () => {
        const requests = await world.database.db.selectFrom('requests').select('state').execute()
        return requests.every(({ state }) => state === 'complete')
      }
      await world.until('all to be parked', async () => (await isBuilt()) && (await isParked()), {
        step: 500,
      })
    }
    await wave()
    // A machine that is still shutting down would be looked at until it is off.
    const isOff = () => cloud.living.every((one) => one.stateAt(world.clock.now()) === 'stopped')
    await world.until('all to be off', isOff)
    const made = cloud.living.length
    cloud.calls.splice(0)
    await wave()
    const counts = new Map<string, number>()
    for (const { action } of cloud.calls) counts.set(action, (counts.get(action) ?? 0) + 1)
    const woken = (await world.rows()).filter(({ parkings }) => parkings === 2).length
    const perCycle = cloud.calls.length / woken
    process.stderr.write(
      `${woken} of ${made} machines woken: ${perCycle.toFixed(2)} calls for a wake and a stop (${[...counts].map(([name, n]) => `${name} ${n}`).join(', ')})\n`,
    )
    expect(counts.get('RunInstances')).toBeUndefined()
    expect(cloud.machines.size).toBe(made)
    expect(woken).toBeGreaterThan(machines / 2)
    expect(perCycle).toBeLessThanOrEqual(mostCalls)
    expect((await world.rows()).every(({ generation, parkings }) => generation === parkings)).toBe(true)
    await world.master.configure([], [])
    await world.until('the end of all', () => cloud.living.length === 0)
  } finally {
    await world.close()
  }
}, 200_000)
