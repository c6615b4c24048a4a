import { expect, test } from 'vitest'
import { openStackEngineWorld } from './openstack-engine-world.ts'

const many = Number(process.env.ROUSE_TEST_MACHINES ?? 500)
/** Seconds. */
const buildWaitTimeout = 60

test.each([
  { when: 'one after the other', together: false },
  { when: 'all at the same moment', together: true },
])(
  `${many} servers are started and, idle $when, stopped within the limits of the API, with few calls and none kept long`,
  { timeout: 600_000 },
  async ({ together, when }) => {
    const idleSince = new Map<string, number>()
    const all = Promise.withResolvers<void>()
    let running = 0
    const world = await openStackEngineWorld({
      cloud: {
        limits: { perSecond: 20, burst: 50 },
        lag: 1000,
        placeMs: 2000,
        bootMs: 20_000,
        deleteMs: 5000,
      },
      worker: { buildWaitTimeout, instances: { max: many } },
      patient: true,
      command: async (_, { id }) => {
        if (++running === many) all.resolve()
        await (together ? all.promise : world.clock.sleep(30_000))
        idleSince.set(id, world.clock.now())
        return 0
      },
    })
    try {
      const { cloud } = world
      const begun = world.clock.now()
      await Promise.all(Array.from({ length: many }, () => world.master.force('unit')))
      await world.over({ step: 100, timeout: 500_000 })
      const builds = await world.builds()
      expect(builds.map(({ result }) => result)).toEqual(Array.from({ length: many }, () => 'SUCCESS'))
      const calls = cloud.calls.length
      const throttled = cloud.calls.filter(({ outcome }) => outcome === 'failed').length
      const servers = [...cloud.servers.values()]
      const late = servers
        .filter(({ id }) => idleSince.has(id))
        .map(({ deletedAt, id }) => (deletedAt! - idleSince.get(id)!) / 1000 - buildWaitTimeout)
      const latest = Math.max(...late)
      process.stderr.write(
        `${servers.length} servers for ${many} builds, idle ${when}, in ${Math.round((world.clock.now() - begun) / 1000)} s: ` +
          `${(calls / servers.length).toFixed(2)} calls a life cycle, ${throttled} throttled, ` +
          `kept at most ${latest.toFixed(1)} s longer than asked for\n`,
      )
      expect(calls / servers.length).toBeLessThanOrEqual(4)
      expect(latest).toBeLessThanOrEqual(30)
      expect(throttled).toBeLessThan(calls / 20)
    } finally {
      await world.close()
    }
  },
)
