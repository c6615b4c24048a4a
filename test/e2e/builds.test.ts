import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
const { defineMaster, localWorker, shell, step, interpolate } = rouse
export default defineMaster({
  listen,
  workers: [localWorker('local-1', { maxBuilds: 2, properties: { os: 'linux' }, env: { FROM_WORKER: 'w' } })],
  builders: [
    { name: 'hello', workers: ['local-1'], properties: { greeting: 'hi' }, env: { FROM_BUILDER: (p) => p.get('greeting') }, steps: [
      shell(['echo', interpolate('%(prop:greeting)s %(prop:who:-world)s on %(prop:os)s')]),
      shell('echo "$FROM_WORKER $FROM_BUILDER $FROM_STEP"; echo err >&2; pwd', { env: { FROM_STEP: 's' } }),
    ] },
    { name: 'fails', workers: ['local-1'], steps: [
      shell('exit 3', { name: 'bad' }), shell('echo never', { name: 'never' }), shell('echo cleanup', { name: 'cleanup', alwaysRun: true }) ] },
    { name: 'waits', workers: ['local-1'], steps: [
      shell('touch started; while [ ! -e go ]; do sleep 0.1; done', { name: 'wait' }), shell('echo cleaned', { alwaysRun: true }) ] },
    { name: 'throws', workers: ['local-1'], steps: [step('boom', async () => { throw new Error('kaboom') })] },
    { name: 'custom', workers: ['local-1'], steps: [
      step('probe', async (context) => {
        const { stdout } = await context.command({ op: 'shell', command: ['echo', 'v7'] }, { capture: 100 })
        await context.setProperty('found', stdout.trim())
        await context.note('found ' + stdout.trim())
        return 'WARNINGS'
      }),
      shell((p) => 'echo again ' + p.get('found'), { doStepIf: (p) => p.get('found') === 'v7' }),
    ] },
    { name: 'silent', workers: ['local-1'], steps: [shell('sleep 600 & sleep 600', { timeout: '300ms', grace: 1 })] },
  ],
})`

test('builds run on a local worker from force to result, with properties, environment, logs and flags', async () => {
  const master = await startMaster({ config })

  const hello = await master.request(
    await master.force('hello', { properties: { who: 'Ada' }, reason: 'trying it' }),
  )
  expect(hello).toMatchObject({ state: 'complete', result: 'SUCCESS', reason: 'trying it', waitingFor: null })
  const build = await master.api(`/builds/${hello.buildIds[0]}`)
  expect(build).toMatchObject({
    builder: 'hello',
    worker: 'local-1',
    attempt: 1,
    result: 'SUCCESS',
    state: 'finished',
  })
  expect(build.properties).toMatchObject({
    who: 'Ada',
    os: 'linux',
    greeting: 'hi',
    buildername: 'hello',
    workername: 'local-1',
  })
  const text = await master.logText(build.id)
  expect(text).toContain('hi Ada on linux\n')
  expect(text).toContain('w hi s\n')
  expect(text).toContain('err\n')
  expect(text).toContain(join(master.dir, 'rouse-data/workers/local-1/hello/0'))

  const fails = await master.request(await master.force('fails'))
  expect(fails.result).toBe('FAILURE')
  const steps = (await master.api(`/builds/${fails.buildIds[0]}/steps`)).items
  expect(steps.map((s: any) => `${s.name} ${s.result}`)).toEqual([
    'bad FAILURE',
    'never SKIPPED',
    'cleanup SUCCESS',
  ])
  expect(steps[0].summary).toBe('exit code 3')
  expect(await master.api(`/builds/${fails.buildIds[0]}`)).toMatchObject({ summary: 'bad: exit code 3' })

  const throws = await master.request(await master.force('throws'))
  expect(throws.result).toBe('EXCEPTION')
  expect(await master.logText(throws.buildIds[0])).toContain('Error: kaboom')

  const custom = await master.request(await master.force('custom'))
  expect(custom.result).toBe('WARNINGS')
  expect(await master.logText(custom.buildIds[0])).toMatch(/v7\n[^]*found v7\n[^]*again v7\n/)

  const silent = await master.request(await master.force('silent'))
  expect(silent.result).toBe('FAILURE')
  expect(await master.api(`/builds/${silent.buildIds[0]}`)).toMatchObject({
    summary: expect.stringMatching(/silen/),
  })

  const again = await master.api(`/builds/${build.id}/rebuild`, { method: 'POST', json: {} })
  const rebuilt = await master.request(again.requestIds[0])
  expect((await master.api(`/builds/${rebuilt.buildIds[0]}`)).properties).toMatchObject({ who: 'Ada' })
})

test('cancelling works while a request waits, while its build runs, and after its end', async () => {
  const master = await startMaster({ config })
  const workspace = (slot: number) => join(master.dir, `rouse-data/workers/local-1/waits/${slot}`)
  const ids = [await master.force('waits'), await master.force('waits'), await master.force('waits')]
  for (const slot of [0, 1])
    await waitFor('a running build', () =>
      readFile(join(workspace(slot), 'started'), 'utf8').then(() => true),
    )

  const waiting = await master.api(`/requests/${ids[2]}`)
  expect(waiting).toMatchObject({
    state: 'pending',
    position: 1,
    waitingFor: 'waits for a worker: local-1 runs 2 of 2 builds',
  })
  await master.api(`/requests/${ids[2]}/cancel`, { method: 'POST', json: { reason: 'not needed' } })
  expect(await master.request(ids[2]!)).toMatchObject({ result: 'CANCELLED', buildIds: [] })

  const running = (await master.api(`/requests/${ids[0]}`)).buildIds[0]
  await master.api(`/builds/${running}/cancel`, { method: 'POST', json: { reason: 'wrong branch' } })
  expect(await master.request(ids[0]!)).toMatchObject({ result: 'CANCELLED' })
  const steps = (await master.api(`/builds/${running}/steps`)).items
  expect(steps.map((s: any) => s.result)).toEqual(['CANCELLED', 'SUCCESS'])
  expect(await master.api(`/builds/${running}`)).toMatchObject({ summary: 'wrong branch' })

  await master.api(`/requests/${ids[1]}/cancel`, { method: 'POST', json: {} })
  expect(await master.request(ids[1]!)).toMatchObject({ result: 'CANCELLED' })
  await master.api(`/builds/${running}/cancel`, { method: 'POST', json: {} })
  expect(await master.api(`/builds/${running}`)).toMatchObject({
    result: 'CANCELLED',
    summary: 'wrong branch',
  })
})
