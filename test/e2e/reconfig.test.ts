import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { MasterProcess } from '../helpers/master-process.ts'
import { startMaster } from '../helpers/run-master.ts'
import { said } from '../helpers/said.ts'
import { waitFor } from '../helpers/wait-for.ts'

/** A config that takes what changes from a file of its own. */
const config = `
import { parts } from './parts.ts'
export default rouse.defineMaster({ listen, ...parts(rouse) })`

const parts = (body: string) =>
  `export const parts = ({ localWorker, staticWorker, shell, once, step }: typeof import('rouse')) => (${body})\n`

async function start(body: string): Promise<MasterProcess> {
  return startMaster({ config, files: { 'parts.ts': parts(body) } })
}

async function reconfig(master: MasterProcess, body: string) {
  await writeFile(join(master.dir, 'parts.ts'), parts(body))
  return master.cli('reconfig', '--json')
}

const gated = `{ name: 'gated', workers: ['bot'], steps: [
  shell('touch started; until [ -e go ]; do sleep 0.1; done'), shell('echo old last step') ] }`

test(
  'a reconfig adds and takes away workers, builders and schedulers, and running builds keep their steps',
  { timeout: 60_000 },
  async () => {
    const master = await start(`{ workers: [localWorker('bot')], builders: [${gated}] }`)
    const running = await master.force('gated')
    const folder = join(master.dir, 'rouse-data/workers/bot/gated/0')
    await waitFor('the first step', () => readFile(join(folder, 'started')).then(() => true))

    const changed = await reconfig(
      master,
      `{
      workers: [localWorker('bot', { maxBuilds: 2 }), localWorker('new')],
      builders: [
        { name: 'gated', workers: ['bot'], steps: [shell('echo new only step')] },
        { name: 'fresh', workers: ['new'], steps: [shell('echo fresh')] },
      ],
      schedulers: [once({ name: 'hello', builders: ['fresh'] })],
    }`,
    )
    expect(changed).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(changed.stdout)).toEqual({
      workers: { added: ['new'], changed: ['bot'], removed: [] },
      builders: { added: ['fresh'], changed: [], removed: [] },
      schedulers: { added: ['hello'], changed: [], removed: [] },
      reporters: { added: [], changed: [], removed: [] },
      needsRestart: [],
    })
    const hello = await waitFor(
      'the scheduler',
      async () => (await master.api('/requests?builder=fresh')).items[0],
    )
    expect(await master.request(hello.id)).toMatchObject({ result: 'SUCCESS' })

    const second = await master.request(await master.force('gated'))
    expect(await master.logText(second.buildIds[0]), 'beside the old one, with the new steps').toContain(
      'new only',
    )
    await writeFile(join(folder, 'go'), '')
    const first = await master.request(running)
    expect(first).toMatchObject({ result: 'SUCCESS' })
    expect(await master.logText(first.buildIds[0])).toContain('old last step')

    // The builder goes, with a request that waits, and comes again.
    await master.api('/workers/bot/pause', { method: 'POST', json: {} })
    const waiting = await master.force('gated')
    const without = `{ workers: [localWorker('bot')], builders: [{ name: 'other', workers: ['bot'], steps: [shell('true')] }] }`
    expect(JSON.parse((await reconfig(master, without)).stdout).builders.removed).toEqual(['gated', 'fresh'])
    await master.api('/workers/bot/resume', { method: 'POST', json: {} })
    expect((await master.cli('force', 'gated')).stderr).toContain('ROUSE_BUILDER_UNKNOWN')
    expect((await master.api(`/requests/${waiting}`)).waitingFor).toBe(
      'waits until its builder is in the config again',
    )
    await reconfig(
      master,
      `{ workers: [localWorker('bot')], builders: [{ name: 'gated', workers: ['bot'], steps: [shell('echo back')] }] }`,
    )
    const back = await master.request(waiting)
    expect(back).toMatchObject({ result: 'SUCCESS' })
    expect(await master.logText(back.buildIds[0])).toContain('back')
  },
)

test(
  'an agent whose worker is removed finishes its build and is refused after; a changed password holds for new logins',
  { timeout: 60_000 },
  async () => {
    const other = `{ name: 'other', workers: ['here'], steps: [shell('true')] }`
    const bot = (password: string) => `{
    workers: [staticWorker('bot', { password: '${password}' }), localWorker('here')], builders: [${gated}, ${other}] }`
    const master = await start(bot('first'))
    const agent = await master.agent('bot', 'first')
    const request = await master.force('gated')
    const folder = join(agent.baseDir, 'gated/0')
    await waitFor('the build', () => readFile(join(folder, 'started')).then(() => true))

    expect(JSON.parse((await reconfig(master, bot('second'))).stdout).workers.changed).toEqual(['bot'])
    expect(await master.api('/workers/bot'), 'its session goes on').toMatchObject({ connected: true })
    expect(await login(master, 'first')).toBe(401)
    expect(await login(master, 'second')).toBe(409)

    const removed = await reconfig(master, `{ workers: [localWorker('here')], builders: [${other}] }`)
    expect(JSON.parse(removed.stdout)).toMatchObject({
      workers: { removed: ['bot'] },
      builders: { removed: ['gated'] },
    })
    expect((await master.api('/workers')).items.map(({ name }: { name: string }) => name)).toEqual(['here'])
    await writeFile(join(folder, 'go'), '')
    const done = await master.request(request)
    expect(done).toMatchObject({ result: 'SUCCESS', buildIds: [expect.any(Number)] })
    await waitFor('the refusal', () => agent.output().includes('HTTP 401'))
    await said(master, 'worker left')
  },
)

test('a config with mistakes changes nothing, and all mistakes are told', async () => {
  const right = `{ workers: [localWorker('bot')], builders: [{ name: 'unit', workers: ['bot'], steps: [shell('echo still here')] }] }`
  const master = await start(right)
  await writeFile(
    join(master.dir, 'parts.ts'),
    parts(
      `{ workers: [localWorker('bot', { maxBuilds: '2' })], builders: [{ name: 'unit', workers: ['bto'], steps: [] }] } as any`,
    ),
  )
  const refused = await master.cli('reconfig')
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('ROUSE_CONFIG_INVALID')
  expect(refused.stderr).toContain('maxBuilds must be a positive integer')
  expect(refused.stderr).toContain('did you mean "bot"?')

  await writeFile(join(master.dir, 'parts.ts'), 'export const parts = (')
  const broken = await master.cli('reconfig')
  expect(broken).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/parts\.ts:1: .*\n[^]*ROUSE_CONFIG_NOT_LOADED/),
  })
  const done = await master.request(await master.force('unit'))
  expect(await master.logText(done.buildIds[0])).toContain('still here')
})

test('SIGHUP takes the config over too, and what needs a restart is named', async () => {
  const body = (title: string, host: string) => `{
    title: '${title}', ...(${host === ''} ? {} : { listen: { host: '${host}', port: 1 } }), workers: [localWorker('bot')],
    builders: [{ name: '${title}', workers: ['bot'], steps: [shell('true')] }] }`
  const master = await start(body('one', ''))
  await writeFile(join(master.dir, 'parts.ts'), parts(body('two', '127.0.0.1')))
  process.kill(master.pid, 'SIGHUP')
  await waitFor('the new builder', async () => (await master.api('/builders')).items[0].name === 'two')
  await said(master, 'the config was taken over')
  const again = await master.cli('reconfig')
  expect(again).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('needs a restart of the master: title, listen'),
  })
})

async function login(master: MasterProcess, password: string): Promise<number> {
  const authorization = `Basic ${Buffer.from(`bot:${password}`).toString('base64')}`
  const { WebSocket } = await import('ws')
  const socket = new WebSocket(`${master.url}/agent`, 'rouse.agent.v1', { headers: { authorization } })
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      socket.terminate()
      resolve(101)
    })
    socket.on('unexpected-response', (_, response) => {
      response.destroy()
      resolve(response.statusCode!)
    })
    socket.on('error', reject)
  })
}
