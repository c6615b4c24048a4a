import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { AgentProcess, MasterProcess } from '../helpers/master-process.ts'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
const { defineMaster, staticWorker, shell, step } = rouse
const count = 'echo begun >> ../begun; for i in $(seq 1 40); do echo line $i; sleep 0.1; done; echo ended >> ../ended'
export default defineMaster({
  listen,
  workers: [staticWorker('bot', { password: 'b0t' })],
  builders: [
    { name: 'count', workers: ['bot'], steps: [
      shell('echo first >> ../first', { name: 'first' }), shell(count, { name: 'count' }), shell('echo last >> ../last', { name: 'last' }) ] },
    { name: 'custom', workers: ['bot'], steps: [step('ask', async (context) => {
      const [at, id] = [await context.now(), await context.randomId()]
      await context.note('note ' + id)
      const { stdout } = await context.command({ op: 'shell', command: 'echo asked >> ../asked; echo answer' }, { capture: 100 })
      await context.setProperty('seen', at.toISOString() + ' ' + id + ' ' + stdout.trim())
      await context.command({ op: 'shell', command: 'touch ../waiting; while [ ! -e ../go ]; do sleep 0.05; done' })
      await context.sleep('10ms')
      await context.setProperty('again', at.toISOString() + ' ' + id + ' ' + stdout.trim())
    })] },
    { name: 'waits', workers: ['bot'], steps: [shell('echo run >> ../runs; touch ../waiting; while [ ! -e ../go ]; do sleep 0.05; done', { name: 'wait' })] },
  ],
})`

const inWorkspace = (agent: AgentProcess, builder: string, file: string) => join(agent.baseDir, builder, file)
const linesOf = async (path: string) =>
  (await readFile(path, 'utf8').catch(() => '')).split('\n').filter(Boolean)

async function running(
  master: MasterProcess,
  agent: AgentProcess,
  builder: string,
  file: string,
): Promise<void> {
  await waitFor(`${builder} to run`, () =>
    readFile(inWorkspace(agent, builder, file), 'utf8').then(() => true),
  )
  expect(master.pid).toBeGreaterThan(0)
}

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  test(`a build goes on while the master is ended with ${signal}: nothing runs twice and no line is lost`, async () => {
    const master = await startMaster({ config })
    const agent = await master.agent('bot', 'b0t')
    const id = await master.force('count')
    await running(master, agent, 'count', 'begun')
    await master.end(signal)
    await master.start()

    const request = await master.request(id)
    expect(request).toMatchObject({ result: 'SUCCESS', buildIds: [1] })
    for (const file of ['first', 'begun', 'ended', 'last']) {
      expect(await linesOf(inWorkspace(agent, 'count', file)), file).toHaveLength(1)
    }
    const lines = (await master.logText(1)).split('\n').filter((line) => line.startsWith('line '))
    expect(lines).toEqual(Array.from({ length: 40 }, (_, i) => `line ${i + 1}`))
    const steps = (await master.api('/builds/1/steps')).items
    expect(steps.map((s: { result: string }) => s.result)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS'])
  })
}

test(
  'a step that runs again gets its stored answers: time, random id, output and notes',
  { timeout: 60_000 },
  async () => {
    const master = await startMaster({ config })
    const agent = await master.agent('bot', 'b0t')
    const id = await master.force('custom')
    await running(master, agent, 'custom', 'waiting')
    for (let restart = 0; restart < 2; restart++) {
      await master.end('SIGKILL')
      await master.start()
    }
    await writeFile(inWorkspace(agent, 'custom', 'go'), '')
    expect(await master.request(id)).toMatchObject({ result: 'SUCCESS', buildIds: [1] })
    const { again, seen } = (await master.api('/builds/1')).properties
    expect(again).toBe(seen)
    expect(seen).toMatch(/^\S+Z \S{36} answer$/)
    expect(await linesOf(inWorkspace(agent, 'custom', 'asked'))).toHaveLength(1)
    expect((await master.logText(1)).match(/^note /gm)).toHaveLength(1)
  },
)

test(
  'when the steps changed meanwhile, the command is let finish and the request is built afresh',
  { timeout: 60_000 },
  async () => {
    const master = await startMaster({ config })
    const agent = await master.agent('bot', 'b0t')
    const id = await master.force('waits')
    await running(master, agent, 'waits', 'waiting')
    await master.end('SIGKILL')
    const file = join(master.dir, 'master.config.ts')
    const source = await readFile(file, 'utf8')
    await writeFile(
      file,
      source.replace("shell('echo run >> ../runs; touch", "shell('echo changed >> ../runs; touch"),
    )
    await master.start()
    await waitFor('the agent', async () => (await master.api('/workers/bot')).connected)
    expect(await master.api('/builds/1')).toMatchObject({ result: null })
    await writeFile(inWorkspace(agent, 'waits', 'go'), '')

    expect(await master.request(id)).toMatchObject({
      result: 'SUCCESS',
      buildIds: expect.arrayContaining([1, 2]),
    })
    expect(await master.api('/builds/1')).toMatchObject({
      result: 'RETRY',
      summary: expect.stringContaining('config changed'),
    })
    expect(await linesOf(inWorkspace(agent, 'waits', 'runs'))).toEqual(['run', 'changed'])
  },
)

test('a build that was cancelled when the master died ends CANCELLED', async () => {
  const master = await startMaster({ config })
  const agent = await master.agent('bot', 'b0t')
  const id = await master.force('waits')
  await running(master, agent, 'waits', 'waiting')
  agent.child.kill('SIGSTOP')
  const cancelled = master.api('/builds/1/cancel', { method: 'POST', json: { reason: 'no need' } })
  await cancelled
  await master.end('SIGKILL')
  await master.start()
  agent.child.kill('SIGCONT')
  expect(await master.request(id)).toMatchObject({ result: 'CANCELLED' })
  expect(await master.api('/builds/1')).toMatchObject({ summary: 'no need' })
})
