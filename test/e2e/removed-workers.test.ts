import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readBuild, startBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { said } from '../helpers/said.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = (workers: string) => `
const { defineMaster, localWorker, masterLock, shell, staticWorker, trigger } = rouse
const names = ['leaves', 'stays']
const locks = [masterLock('db').access('exclusive')]
export default defineMaster({
  listen,
  maxDisconnected: '1h',
  workers: [${workers}].filter(Boolean),
  builders: [{ name: 'gated', workers: names, locks, steps: [
      shell('echo run >> ../runs; touch ../started; while [ ! -e ../go ]; do sleep 0.05; done'), shell('echo last >> ../runs') ] },
    { name: 'asks', workers: names, steps: [trigger({ builders: ['gated'], waitForFinish: true })] },
  ].map((builder) => ({ ...builder, workers: names.filter((name) => ${JSON.stringify(workers)}.includes("'" + name + "'")) })),
})`
const stays = `localWorker('stays', { maxBuilds: 3 })`

/** Starts a master with both workers, and another one without the one that builds. */
async function start(leaves: string, builder: string) {
  const master = await startMaster({ config: config(`${leaves}, ${stays}`) })
  const head = (await readFile(join(master.dir, 'master.config.ts'), 'utf8')).split('\n').slice(0, 2)
  const write = (workers: string) =>
    writeFile(join(master.dir, 'master.config.ts'), [...head, config(workers)].join('\n'))
  const agent = leaves.startsWith('static') ? await master.agent('leaves', 'b0t') : undefined
  const folder = join(agent?.baseDir ?? join(master.dir, 'rouse-data/workers/leaves'), 'gated')
  await waitFor('the worker', async () => (await master.api('/workers/leaves')).connected)
  const started = await startBuild(master, builder)
  if (builder === 'gated')
    await waitFor('the command', () => readFile(join(folder, 'started')).then(() => true))
  await master.end('SIGKILL')
  await write(stays)
  await master.start()
  const runs = () => readFile(join(folder, 'runs'), 'utf8')
  return { master, ...started, write, runs, go: () => writeFile(join(folder, 'go'), '') }
}

test('a local worker that was removed from the config while no master ran finishes its build', async () => {
  const { build, go, master, request, runs } = await start(`localWorker('leaves')`, 'gated')
  expect(await master.api(`/builds/${build}`)).toMatchObject({ state: 'running', worker: 'leaves' })
  expect((await master.api('/workers')).items.map(({ name }: { name: string }) => name)).toEqual(['stays'])
  await go()
  expect(await master.request(request)).toMatchObject({ result: 'SUCCESS', buildIds: [build] })
  expect(await runs()).toBe('run\nlast\n')
  await waitFor('the end of the worker', () => master.output.includes('worker left'))
}, 60_000)

test('a build whose agent cannot log in any more keeps its locks, and goes on when the worker is back in the config', async () => {
  const { build, go, master, request, runs, write } = await start(
    `staticWorker('leaves', { password: 'b0t' })`,
    'gated',
  )
  const next = await master.force('gated')
  await waitFor('the lock to be waited for', async () =>
    /waits for lock "db"/.test((await master.api(`/requests/${next}`)).waitingFor),
  )
  await said(master, 'may still run a command: its build waits')
  expect(await master.api(`/builds/${build}`)).toMatchObject({ state: 'running', worker: 'leaves' })
  await write(`staticWorker('leaves', { password: 'b0t' }), ${stays}`)
  expect(await master.cli('reconfig')).toMatchObject({ code: 0 })
  await go()
  expect(await master.request(request)).toMatchObject({ result: 'SUCCESS', buildIds: [build] })
  expect(await runs()).toMatch(/^run\nlast\n/)
  await master.api(`/requests/${next}/cancel`, { method: 'POST', json: {} })
}, 60_000)

test('a build of a removed worker without a command in flight is begun afresh at once', async () => {
  const { build, master, request } = await start(`staticWorker('leaves', { password: 'b0t' })`, 'asks')
  await waitFor('the folder', () =>
    writeFile(join(master.dir, 'rouse-data/workers/stays/gated/go'), '').then(() => true),
  )
  const { buildIds, result } = await master.request(request)
  expect([result, buildIds.length]).toEqual(['SUCCESS', 2])
  expect(await readBuild(master, build)).toMatchObject({
    result: 'RETRY',
    summary: 'worker "leaves" is no longer in the config',
  })
}, 60_000)
