import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startMaster } from '../helpers/run-master.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { Random } from '../torture/random.ts'

const seed = Number(process.env.ROUSE_TORTURE_SEED ?? Date.now() % 1_000_000)
const jobs = 40
const seconds = 10

/** Which entries there are, and in which generation, stands in a file that the config imports. */
const config = `
const { defineMaster, localWorker, staticWorker, shell, interpolate } = rouse
import { now } from './now.ts'

const work = interpolate(
  'echo "begin %(prop:n)s %(prop:buildid)s" >> "$TRACE"; i=0; ' +
  'while [ $i -lt %(prop:lines)s ]; do i=$((i+1)); echo "line $i"; [ $((i % 20)) = 0 ] && sleep 0.05; done; ' +
  'echo "end %(prop:n)s %(prop:buildid)s" >> "$TRACE"; exit %(prop:exitCode)s')

export default defineMaster({
  listen,
  maxInfraRetries: 0,
  workers: [
    ...now.agents.map((name) => staticWorker(name, { password: 'pw', maxBuilds: now.maxBuilds })),
    ...now.locals.map((name) => localWorker(name, { maxBuilds: now.maxBuilds })),
  ],
  builders: now.builders.map((name) => ({
    name,
    workers: [...now.agents, ...now.locals],
    steps: [
      shell('echo generation ' + now.generation, { name: 'first' }),
      shell(work, { name: 'work', env: { TRACE: process.env.TRACE } }),
      shell('echo generation ' + now.generation, { name: 'last', alwaysRun: true }),
    ],
  })),
})`

const agents = ['alpha', 'beta']
const locals = ['here', 'there']
const builders = ['one', 'two', 'three']
const nowFile = (now: object) => `export const now = ${JSON.stringify(now)}\n`
const whole = { generation: 0, agents, locals, builders, maxBuilds: 2 }

test(
  `builds keep their promises while the config changes all the time (seed ${seed})`,
  { timeout: 180_000 },
  async () => {
    const random = new Random(seed)
    const trace = join(await tempDir(), 'trace')
    const master = await startMaster({ config, files: { 'now.ts': nowFile(whole) }, env: { TRACE: trace } })
    for (const name of agents) await master.agent(name, 'pw')

    const forced = Array.from({ length: jobs }, async (_, n) => {
      const properties = { n, lines: random.between(1, 400), exitCode: random.pick([0, 0, 3]) }
      const builder = random.pick(builders)
      await delay(random.between(0, seconds * 900))
      // A builder that is not in the config takes nothing: later.
      const request = await waitFor(`job ${n}`, () => master.force(builder, { properties }), {
        timeout: 60_000,
        interval: 100,
      })
      return { ...properties, request }
    })

    const end = Date.now() + seconds * 1000
    let generation = 0
    let refused = 0
    const some = (names: readonly string[]) => names.filter(() => random.next() < 0.6)
    while (Date.now() < end) {
      generation++
      const isRight = random.next() < 0.8
      const now = {
        generation,
        agents: some(agents),
        locals: ['here', ...some(['there'])],
        builders: ['one', ...some(['two', 'three'])],
        maxBuilds: isRight ? random.between(1, 3) : 'many',
      }
      await writeFile(join(master.dir, 'now.ts'), nowFile(now))
      const asked = Array.from({ length: random.between(1, 3) }, () =>
        fetch(`${master.url}/api/v1/reconfig`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{}',
        }),
      )
      for (const { status } of await Promise.all(asked)) expect(status).toBe(isRight ? 200 : 422)
      if (!isRight) refused++
      await delay(random.between(0, 600))
    }
    await writeFile(join(master.dir, 'now.ts'), nowFile({ ...whole, generation: generation + 1 }))
    expect((await master.cli('reconfig')).stderr).toBe('')

    const ran = new Map<string, number>()
    const finals = await Promise.all(
      (await Promise.all(forced)).map(async (job) => ({
        ...job,
        ...(await master.request(job.request, 90_000)),
      })),
    )
    for (const line of (await readFile(trace, 'utf8')).split('\n')) ran.set(line, (ran.get(line) ?? 0) + 1)
    for (const { buildIds, exitCode, lines, n, result } of finals) {
      const [build, ...more] = buildIds as number[]
      expect(more, `job ${n}: one build`).toEqual([])
      expect(result, `job ${n}`).toBe(exitCode === 0 ? 'SUCCESS' : 'FAILURE')
      expect(ran.get(`begin ${n} ${build}`), `job ${n} ran once`).toBe(1)
      expect(ran.get(`end ${n} ${build}`), `job ${n} ended once`).toBe(1)
      const printed = (await master.logText(build!, 'stdout')).split('\n')
      const right = Array.from({ length: lines }, (_, i) => `line ${i + 1}`)
      expect(
        printed.filter((line) => line.startsWith('line ')),
        `the log of job ${n}`,
      ).toEqual(right)
      const steps = printed.filter((line) => line.startsWith('generation '))
      expect(new Set(steps).size, `job ${n}: one generation of steps`).toBe(1)
    }
    expect(generation, `${refused} of them refused`).toBeGreaterThan(0)
    for (const name of agents)
      await waitFor(`${name} to be back`, async () => (await master.api(`/workers/${name}`)).connected, {
        timeout: 60_000,
      })
    for (const { runningBuilds } of (await master.api('/workers')).items) expect(runningBuilds).toEqual([])
  },
)
