import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { endOf, readBuild, runBuild, startBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
const { defineMaster, shell, staticWorker, step, masterLock } = rouse
const gate = (name) => shell('echo ' + name + ' >> ../ran; touch ../at-' + name + '; while [ ! -e ../go-' + name + ' ]; do sleep 0.05; done', { name })
const mark = (name, flags = {}) => shell('echo ' + name + ' >> ../ran', { name, ...flags })
const db = masterLock('db')
const build = (name, ...steps) => ({ name, workers: ['bot'], steps })
export default defineMaster({
  listen,
  workers: [staticWorker('bot', { password: 'b0t' })],
  builders: [
    build('order',
      step('plan', async ({ addSteps }) => {
        await addSteps([mark('one'), step('two', (inner) => inner.addSteps([mark('two.one')]))])
        await addSteps([])
        await addSteps([mark('three')])
      }), mark('last')),
    build('fails', step('plan', async (context) => {
      await context.addSteps([mark('skipped'), mark('always', { alwaysRun: true })])
      return 'FAILURE'
    }), mark('last')),
    build('loop', step('plan', async (context) => {
      for (;;) await context.addSteps(Array.from({ length: 400 }, (_, i) => mark('s' + i)))
    })),
    build('wrong', step('plan', async (context) => {
      const said = []
      for (const added of ['echo', shell('true', { tiemout: 1 }), step('', async () => {})])
        await context.addSteps([added]).catch((error) => said.push(error.message))
      return { result: 'FAILURE', summary: said.join(' | ') }
    })),
    { ...build('locked', step('plan', (context) => context.addSteps([mark('never', { locks: [db.access('exclusive')] })]))), locks: [db.access('counting')] },
    build('flight', step('plan', async (context) => {
      const { stdout } = await context.command({ op: 'shell', command: 'echo asked >> ../asked; echo new' }, { capture: 100 })
      await context.addSteps([mark(stdout.trim())])
      await context.command({ op: 'shell', command: 'touch ../at-plan; while [ ! -e ../go-plan ]; do sleep 0.05; done' })
      await context.addSteps([mark('more')])
    }), mark('last')),
    build('ended', step('plan', async (context) => {
      const at = await context.now()
      await context.note('planning')
      await context.setProperty('at', at.toISOString())
      await context.sleep(0.01)
      const { stdout } = await context.command({ op: 'shell', command: 'echo asked >> ../asked; echo x > kept; echo first' }, { capture: 100 })
      const shell = await context.masterShell({ command: 'echo run >> master-runs' })
      const upload = await context.upload({ path: 'kept', name: 'kept', type: 'text/plain' })
      const download = await context.download({ from: 'given', path: 'given' })
      if (shell.exitCode + download.exitCode !== 0 || !upload.artifact) return 'FAILURE'
      await context.addSteps([gate(stdout.trim()), step('nest', (inner) => inner.addSteps([gate('inner')])), mark('second')])
      await context.randomId()
    }), mark('last')),
  ],
})`

async function start() {
  const master = await startMaster({ config, files: { given: 'given' } })
  const agent = await master.agent('bot', 'b0t')
  return {
    master,
    path: (builder: string, name: string) => join(agent.baseDir, builder, name),
    /** Every line of a file in a builder's folder. */
    async lines(builder: string, name: string) {
      const text = await readFile(join(agent.baseDir, builder, name), 'utf8')
      return text.trimEnd().split('\n')
    },
    /** Waits until the gate's command runs. */
    at: (builder: string, name: string) =>
      waitFor(`${name} to run`, () =>
        readFile(join(agent.baseDir, builder, `at-${name}`), 'utf8').then(() => true),
      ),
    go: (builder: string, name: string) => writeFile(join(agent.baseDir, builder, `go-${name}`), ''),
  }
}

const stepsOf = ({ steps }: Awaited<ReturnType<typeof readBuild>>) =>
  steps.map(({ name, number, result }) => `${number} ${name} ${result}`)

test('steps that a step adds run right after it, in their order, and are rows like others', async () => {
  const { lines, master } = await start()
  const socket = new WebSocket(`${master.url.replace('http', 'ws')}/api/v1/events`)
  const added: string[] = []
  socket.addEventListener('message', ({ data }) => {
    const event = JSON.parse(String(data))
    if (event.type === 'step.added') added.push(`${event.number} ${event.name}`)
  })
  const build = await runBuild(master, 'order')
  expect(stepsOf(build)).toEqual([
    '1 plan SUCCESS',
    '2 one SUCCESS',
    '3 two SUCCESS',
    '4 two.one SUCCESS',
    '5 three SUCCESS',
    '6 last SUCCESS',
  ])
  expect(await lines('order', 'ran')).toEqual(['one', 'two.one', 'three', 'last'])
  expect(added).toEqual(['2 one', '3 two', '4 three', '4 two.one'])
  socket.close()
  expect((await master.cli('builds', String(build.id))).stdout).toMatch(/\n +4 +two\.one /)
  const { stdout } = await master.cli('builds', '--json', String(build.id))
  expect(JSON.parse(stdout).steps.map((step: any) => step.name)[3]).toBe('two.one')
})

test('added steps heed the flags of all steps; what cannot be run is refused, and so is a loop', async () => {
  const { master } = await start()
  const failed = await runBuild(master, 'fails')
  expect(failed.results).toEqual(['plan FAILURE', 'skipped SKIPPED', 'always SUCCESS', 'last SKIPPED'])
  expect(failed.result).toBe('FAILURE')

  const loop = await runBuild(master, 'loop')
  expect(loop.steps).toHaveLength(801)
  expect(loop.steps[0]).toMatchObject({
    result: 'EXCEPTION',
    summary: 'a build has at most 1000 steps',
  })

  const wrong = await runBuild(master, 'wrong')
  expect(wrong.steps.map(({ summary }) => summary)).toEqual([
    [
      'addSteps takes steps such as shell(...), each with a name',
      'step "true": unknown option "tiemout"; did you mean "timeout"?',
      'addSteps takes steps such as shell(...), each with a name',
    ].join(' | '),
  ])
  const locked = await runBuild(master, 'locked')
  expect(locked.steps[0]!.summary).toMatch(/"never": its build holds lock "db" already/)
})

test('a master that is killed before the steps run that were just added: the next one runs them, once', async () => {
  const { at, go, lines, master } = await start()
  const { build, request } = await startBuild(master, 'flight')
  await at('flight', 'plan')
  await master.end('SIGKILL')
  await master.start()
  await go('flight', 'plan')
  expect(await endOf(master, request)).toMatchObject({ id: build, result: 'SUCCESS' })
  expect(stepsOf(await readBuild(master, build))).toEqual([
    '1 plan SUCCESS',
    '2 new SUCCESS',
    '3 more SUCCESS',
    '4 last SUCCESS',
  ])
  expect(await lines('flight', 'ran')).toEqual(['new', 'more', 'last'])
  expect(await lines('flight', 'asked')).toEqual(['asked'])
})

test('a master that is killed while an added step runs: the next one goes on with it, and repeats nothing', async () => {
  const { at, go, lines, master } = await start()
  const { build, request } = await startBuild(master, 'ended')
  for (const name of ['first', 'inner']) {
    await at('ended', name)
    const before = await readBuild(master, build)
    await master.end('SIGKILL')
    // It had been sent; that it is gone now makes no difference to what was answered.
    await writeFile(join(master.dir, 'given'), 'something else')
    await master.start()
    await go('ended', name)
    expect(before.steps.filter(({ state }) => state === 'running').map((step) => step.name)).toEqual([name])
  }
  expect(await endOf(master, request)).toMatchObject({ id: build, result: 'SUCCESS', attempt: 1 })
  const ended = await readBuild(master, build)
  expect(stepsOf(ended)).toEqual([
    '1 plan SUCCESS',
    '2 first SUCCESS',
    '3 nest SUCCESS',
    '4 inner SUCCESS',
    '5 second SUCCESS',
    '6 last SUCCESS',
  ])
  expect(await lines('ended', 'ran')).toEqual(['first', 'inner', 'second', 'last'])
  expect(await lines('ended', 'asked')).toEqual(['asked'])
  expect(await readFile(join(master.dir, 'master-runs'), 'utf8')).toBe('run\n')
  expect(ended.text.match(/planning/g)).toHaveLength(1)
}, 60_000)

test('a step that adds others after a restart because the config changed: the build is begun afresh', async () => {
  const { at, go, lines, master } = await start()
  const { build, request } = await startBuild(master, 'ended')
  await at('ended', 'first')
  await master.end('SIGKILL')
  const file = join(master.dir, 'master.config.ts')
  await writeFile(file, (await readFile(file, 'utf8')).replace("mark('second')", "mark('other')"))
  await master.start()
  await go('ended', 'first')
  await go('ended', 'inner')
  const again = await endOf(master, request)
  expect(again).toMatchObject({ result: 'SUCCESS', attempt: 2 })
  expect(again.results).toContain('other SUCCESS')
  const first = await readBuild(master, build)
  expect(first).toMatchObject({ result: 'RETRY', summary: expect.stringMatching(/the config changed/) })
  expect(first.results).toEqual([
    'plan SUCCESS',
    'first RETRY',
    'nest SKIPPED',
    'second SKIPPED',
    'last SKIPPED',
  ])
  // The command in flight was let finish: the next build did not begin beside it.
  expect(await lines('ended', 'ran')).toEqual(['first', 'first', 'inner', 'other', 'last'])
}, 60_000)
