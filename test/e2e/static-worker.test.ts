import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../helpers/master-process.ts'
import { findNode20 } from '../helpers/node20.ts'
import { startMaster } from '../helpers/run-master.ts'

const node20 = findNode20()
const forced = 20

test.skipIf(!node20)(
  `the bundled agent under Node.js 20 builds a package of the registry ${forced} times and never runs more than maxBuilds (needs Node.js 20)`,
  { timeout: 300_000 },
  async () => {
    const config = await readFile(new URL('./static-worker.config.ts', import.meta.url), 'utf8')
    const master = await startMaster({ config, env: { BOT_PASSWORD: 'swordfish' }, whole: true })
    const agent = await master.agent('bot', 'swordfish', {
      command: [node20!, join(root, 'dist/rouse-agent.mjs')],
    })

    const ids = await Promise.all(Array.from({ length: forced }, () => master.force('minimist')))
    const builds = []
    for (const id of ids) {
      const request = await master.request(id, 240_000)
      if (request.result !== 'SUCCESS') throw new Error(await master.logText(request.buildIds[0]))
      builds.push(await master.api(`/builds/${request.buildIds[0]}`))
    }

    const log = await master.logText(builds[0].id)
    expect(log).toMatch(/> minimist@1\.2\.8 tests-only/)
    expect(log).toMatch(/Statements\s+: 9\d/)
    expect(mostAtOnce(builds)).toBe(2)
    expect((await readdir(join(agent.baseDir, 'minimist'))).sort()).toEqual(['0', '1'])
    expect(await master.api('/workers/bot')).toMatchObject({
      facts: { node: expect.stringMatching(/^v?20\./) },
    })
  },
)

function mostAtOnce(builds: readonly { startedAt: string; finishedAt: string }[]): number {
  const running = (at: string) => builds.filter((b) => b.startedAt <= at && at < b.finishedAt).length
  return Math.max(...builds.map((b) => running(b.startedAt)))
}
