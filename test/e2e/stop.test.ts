import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { finished, type MasterProcess } from '../helpers/master-process.ts'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
const { defineMaster, localWorker, shell, trigger } = rouse
export default defineMaster({
  listen,
  workers: [localWorker('bot', { maxBuilds: 4 })],
  builders: [
    { name: 'gated', workers: ['bot'], steps: [
      shell('touch started; until [ -e go ]; do sleep 0.1; done'), shell('echo last; touch cleaned', { alwaysRun: true }) ] },
    { name: 'asks', workers: ['bot'], steps: [
      shell('touch started; until [ -e go ]; do sleep 0.1; done'), trigger({ builders: ['between'], waitForFinish: true }) ] },
    { name: 'between', workers: ['bot'], steps: [trigger({ builders: ['quick', 'other'], waitForFinish: true })] },
    { name: 'other', workers: ['bot'], steps: [shell('true')] },
    { name: 'quick', workers: ['bot'], steps: [shell('true')] },
  ],
})`

async function withBuild(
  builder = 'gated',
): Promise<{ master: MasterProcess; build: number; folder: string }> {
  const master = await startMaster({ config })
  const request = await master.force(builder)
  const folder = join(master.dir, 'rouse-data/workers/bot', builder, '0')
  await waitFor('the build', () => readFile(join(folder, 'started')).then(() => true))
  return { master, folder, build: (await master.api(`/requests/${request}`)).buildIds[0] }
}

test(
  'stop --wait starts nothing new, shows what it waits for, and ends when the running build has',
  { timeout: 60_000 },
  async () => {
    const { build, folder, master } = await withBuild()
    const stop = master.spawnCli(['stop', '--wait'])
    let said = ''
    stop.stderr!.on('data', (data) => (said += String(data)))
    const ended = finished(stop)
    await waitFor('the progress', () => said.includes(`waiting for ${build} gated`))

    const late = await master.force('quick')
    expect(await master.api(`/requests/${late}`)).toMatchObject({
      state: 'pending',
      waitingFor: 'waits for the next start: the master is being stopped',
    })
    await writeFile(join(folder, 'go'), '')
    expect(await ended).toMatchObject({ code: 0, stdout: `the master at ${master.url} has stopped\n` })

    await master.start()
    expect(await master.api(`/builds/${build}`)).toMatchObject({ result: 'SUCCESS' })
    expect(await master.request(late)).toMatchObject({ result: 'SUCCESS' })
  },
)

test(
  'stop --wait starts what a running build waits for, and what those wait for, but nothing else',
  { timeout: 60_000 },
  async () => {
    const { build, folder, master } = await withBuild('asks')
    const stop = master.spawnCli(['stop', '--wait'])
    let said = ''
    stop.stderr!.on('data', (data) => (said += String(data)))
    const ended = finished(stop)
    await waitFor('the progress', () => said.includes(`waiting for ${build} asks`))
    const late = await master.force('quick')
    await writeFile(join(folder, 'go'), '')
    expect(await ended).toMatchObject({ code: 0 })
    await master.start()
    expect(await master.api(`/builds/${build}`)).toMatchObject({ result: 'SUCCESS' })
    const { buildIds } = await master.request(late)
    const all = (await master.api('/builds')).items.map(({ builder, id }: any) => `${id} ${builder}`)
    expect(all.toReversed()).toEqual([
      '1 asks',
      '2 between',
      expect.stringMatching(/^3 (quick|other)$/),
      expect.stringMatching(/^4 (quick|other)$/),
      `${buildIds[0]} quick`,
    ])
  },
)

test(
  'stop --cancel cancels what runs, lets steps run that always do, and ends',
  { timeout: 60_000 },
  async () => {
    const { build, folder, master } = await withBuild()
    expect(await master.cli('stop', '--cancel', '--json')).toMatchObject({ code: 0, stderr: '' })
    expect(await readFile(join(folder, 'cleaned'), 'utf8')).toBe('')
    await master.start()
    expect(await master.api(`/builds/${build}`)).toMatchObject({
      result: 'CANCELLED',
      summary: 'the master is being stopped',
    })
  },
)

test(
  'stop --cancel after stop --wait does not wait any longer; both at once make no sense',
  { timeout: 60_000 },
  async () => {
    const { build, master } = await withBuild()
    expect((await master.cli('stop', '--wait', '--cancel')).code).toBe(64)
    const waiting = await master.cli('stop', '--wait', '--timeout', '500ms')
    expect(waiting.stderr).toContain('ROUSE_STOP_TIMEOUT')
    expect(await master.api(`/builds/${build}`)).toMatchObject({ state: 'running' })
    expect(await master.cli('stop', '--cancel')).toMatchObject({ code: 0 })
    await master.start()
    expect(await master.api(`/builds/${build}`)).toMatchObject({ result: 'CANCELLED' })
  },
)
