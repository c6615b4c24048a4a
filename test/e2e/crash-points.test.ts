import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { MasterProcess } from '../helpers/master-process.ts'
import { startMaster } from '../helpers/run-master.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { Random } from '../torture/random.ts'

const forces = 60
const kills = 8
const config = `
const { defineMaster, localWorker, staticWorker, interpolate, shell } = rouse
export default defineMaster({
  listen,
  maxInfraRetries: 1000,
  workers: [staticWorker('bot', { password: 'b0t', maxBuilds: 3 }), localWorker('local-1', { maxBuilds: 2 })],
  builders: [{ name: 'short', workers: ['bot', 'local-1'], steps: [
    shell(interpolate('echo "begin %(prop:n)s %(prop:buildid)s" >> "$TRACE"; seq 1 100; sleep 0.%(prop:n)s; echo "end %(prop:n)s %(prop:buildid)s" >> "$TRACE"'),
      { name: 'work', env: { TRACE: process.env.TRACE } }),
    shell('echo last', { name: 'last' }) ] }],
})`

const seed = Number(process.env.ROUSE_TEST_SEED ?? Math.floor(Math.random() * 1_000_000))

test(
  `a master that is killed at any moment forgets no force, and gives each exactly one result (ROUSE_TEST_SEED=${seed})`,
  { timeout: 120_000 },
  async () => {
    const random = new Random(seed)
    const trace = join(await tempDir(), 'trace')
    const master = await startMaster({ config, env: { TRACE: trace } })
    await master.agent('bot', 'b0t')

    const acknowledged = new Map<number, number>()
    const forcing = Promise.all(
      Array.from({ length: forces }, async (_, n) => {
        await delay(random.next() * 12_000)
        acknowledged.set(n, await forceUntilAnswered(master, n))
      }),
    )
    for (let kill = 0; kill < kills; kill++) {
      // Sometimes before it is ready.
      const starting = kill === 0 ? Promise.resolve() : master.start()
      await delay(random.between(300, 3500))
      await master.end('SIGKILL')
      await starting.catch(() => {})
    }
    await master.start()
    await forcing

    const results = []
    for (const [n, id] of acknowledged) {
      const request = await master.request(id)
      const builds = await Promise.all(
        request.buildIds.map((build: number) => master.api(`/builds/${build}`)),
      )
      const final = builds.filter((build) => build.result !== 'RETRY')
      results.push({
        n,
        result: request.result,
        final: final.map((b) => b.result),
        at: final.map((b) => b.id),
      })
    }
    expect(results.filter((r) => r.result !== 'SUCCESS' || r.final.join() !== 'SUCCESS')).toEqual([])

    // The same key still means the same request, and no other was made.
    for (const [n, id] of acknowledged) expect(await forceUntilAnswered(master, n)).toBe(id)
    const all = await master.api('/requests?limit=1000')
    expect(new Set(all.items.map((r: any) => r.id))).toEqual(new Set(acknowledged.values()))

    const said = (await readFile(trace, 'utf8')).trimEnd().split('\n')
    expect(said, 'no command ran twice').toHaveLength(new Set(said).size)
    for (const { at, n } of results) expect(said).toContain(`end ${n} ${at[0]}`)
  },
)

/** A client that asks again with the same key until it has an answer, as `rouse force` does. */
async function forceUntilAnswered(master: MasterProcess, n: number): Promise<number> {
  for (;;) {
    try {
      const { requestIds } = await master.api('/builders/short/force', {
        method: 'POST',
        json: { properties: { n } },
        headers: { 'idempotency-key': `force-${n}` },
        signal: AbortSignal.timeout(5_000),
      })
      return requestIds[0]
    } catch {
      await delay(100)
    }
  }
}
