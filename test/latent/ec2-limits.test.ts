import { expect, test } from 'vitest'
import { ec2EngineWorld } from './ec2-engine-world.ts'

const machines = Number(process.env.ROUSE_TEST_MACHINES ?? 500)
/** Seconds. */
const idle = 60
const mostLate = 30
const mostCalls = 4

test.each([
  { when: 'one after the other', together: false },
  { when: 'all at the same moment', together: true },
])(
  `${machines} machines are started and, idle $when, ended under the limits of EC2's API: no storm, and none is idle for too long`,
  async ({ together, when }) => {
    const ended = new Map<string, number>()
    const all = Promise.withResolvers<void>()
    let running = 0
    const world = await ec2EngineWorld({
      cloud: {
        lag: 2000,
        bootMs: 20_000,
        shutdownMs: 30_000,
        limits: { perSecond: 20, burst: 50 },
      },
      worker: { instances: { max: machines }, buildWaitTimeout: idle, listLag: 15 },
      patient: true,
      command: async (_, machine) => {
        if (++running === machines) all.resolve()
        await (together ? all.promise : world.clock.sleep(30_000))
        ended.set(machine.id, world.clock.now())
        return 0
      },
    })
    try {
      const { cloud } = world
      await Promise.all(Array.from({ length: machines }, () => world.master.force('unit')))
      await world.over({ timeout: 500_000 })
      const made = [...cloud.machines]
      // One whose build found another place meanwhile is ended before it has had any.
      const used = made.filter(({ id }) => ended.has(id))
      const late = used.map(({ endedAt, id }) => (endedAt! - ended.get(id)!) / 1000 - idle)
      const counts = new Map<string, number>()
      for (const { action, refusal } of cloud.calls) {
        const name = refusal === undefined ? action : `${action} ${refusal}`
        counts.set(name, (counts.get(name) ?? 0) + 1)
      }
      const perLife = cloud.calls.length / made.length
      process.stderr.write(
        `${made.length} machines, idle ${when}: ${perLife.toFixed(2)} calls per life cycle (${[...counts].map(([name, n]) => `${name} ${n}`).join(', ')}); ` +
          `ended at most ${Math.max(...late).toFixed(1)} s after their idle time\n`,
      )
      expect(made.length).toBeGreaterThanOrEqual(machines / 2)
      expect(perLife).toBeLessThanOrEqual(mostCalls)
      const throttled = cloud.calls.filter(({ refusal }) => refusal === 'RequestLimitExceeded')
      expect(throttled.length).toBeLessThan(machines / 50)
      expect(Math.max(...late)).toBeLessThanOrEqual(mostLate)
      expect((await world.builds()).filter(({ result }) => result === 'SUCCESS')).toHaveLength(machines)
    } finally {
      await world.close()
    }
  },
  600_000,
)
