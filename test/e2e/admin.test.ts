import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { finished } from '../helpers/master-process.ts'
import { startMaster } from '../helpers/run-master.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
const { defineMaster, localWorker, shell } = rouse
export default defineMaster({
  listen,
  workers: [localWorker('bot', { maxBuilds: 2 })],
  builders: [
    { name: 'quick', workers: ['bot'], steps: [shell('echo quick')] },
    { name: 'gated', workers: ['bot'], steps: [shell('until [ -e "$GATE" ]; do sleep 0.1; done', { env: { GATE: process.env.GATE } })] },
  ],
})`

test('a paused worker gets nothing, says who, why and until when, over a restart, and goes on when resumed', async () => {
  const master = await startMaster({ config })
  const pause = ['workers', 'pause', 'bot', '--reason', 'disk full', '--until', '2h']
  const paused = await master.cli(...pause)
  expect(paused).toMatchObject({ code: 0, stderr: '' })
  expect(paused.stdout).toMatch(/^bot is paused by \S+ until \S+Z: disk full\n$/)
  const id = await master.force('quick')

  await master.end('SIGTERM')
  await master.start()
  const request = await master.api(`/requests/${id}`)
  expect(request.state).toBe('pending')
  expect(request.waitingFor).toMatch(/^waits for a worker: bot is paused by \S+ until \S+Z: disk full$/)
  expect(await master.api('/workers/bot')).toMatchObject({ adminState: 'paused', adminReason: 'disk full' })
  expect((await master.cli('workers')).stdout).toContain(': disk full')

  const resumed = await master.cli('workers', 'resume', 'bot', '--json')
  expect(JSON.parse(resumed.stdout)).toMatchObject({ name: 'bot', adminState: 'active', adminUntil: null })
  expect(await master.request(id)).toMatchObject({ result: 'SUCCESS' })
})

test('a pause of a moment ends by itself, and what waited runs', async () => {
  const master = await startMaster({ config })
  const json = { reason: 'a moment', until: 0.5 }
  await master.api('/workers/bot/pause', { method: 'POST', json })
  expect(await master.request(await master.force('quick'))).toMatchObject({ result: 'SUCCESS' })
  expect(await master.api('/workers/bot')).toMatchObject({ adminState: 'active', adminReason: null })
})

test('a draining worker finishes what it runs and takes nothing new', async () => {
  const gate = `${process.cwd()}/no-such-gate`
  const master = await startMaster({ config, env: { GATE: gate } })
  const running = await master.force('gated')
  const build = await waitFor('the build', async () => (await master.api(`/requests/${running}`)).buildIds[0])
  const drained = await master.cli('workers', 'drain', 'bot')
  expect(drained.stdout).toMatch(/^bot is being drained by \S+; runs 1 of 2 builds\n$/)
  const waiting = await master.force('quick')
  expect((await master.api(`/requests/${waiting}`)).waitingFor).toContain('bot is being drained')
  expect(await master.api(`/builds/${build}`)).toMatchObject({ state: 'running' })

  await master.api(`/builds/${build}/cancel`, { method: 'POST', json: {} })
  await master.request(running)
  await waitFor('the drain', async () => (await master.api('/workers/bot')).status.startsWith('is drained'))
  expect((await master.api(`/requests/${waiting}`)).state).toBe('pending')
  await master.cli('workers', 'resume', 'bot')
  expect(await master.request(waiting)).toMatchObject({ result: 'SUCCESS' })
})

test('what cannot be is refused: an unknown worker, a time that has passed, no time at all', async () => {
  const master = await startMaster({ config })
  const unknown = await master.cli('workers', 'pause', 'bto')
  expect(unknown.code).toBe(1)
  expect(unknown.stderr).toContain('did you mean "bot"?')
  const soon = await master.cli('workers', 'pause', 'bot', '--until', 'soon')
  expect(soon.code).not.toBe(0)
  expect(soon.stderr).toContain('ROUSE_DURATION_INVALID')
  const past = await master.cli('workers', 'pause', 'bot', '--until', '2020-01-01')
  expect(past.stderr).toContain('is not a time to come')
  const never = await master.cli('workers', 'resume', 'bot', '--until', '2h')
  expect(never.code).toBe(64)
  expect(await master.api('/workers/bot')).toMatchObject({ adminState: 'active' })
})

const several = `
const { defineMaster, localWorker, shell } = rouse
const gated = shell('until [ -e "$GATE" ]; do sleep 0.1; done', { env: { GATE: process.env.GATE } })
export default defineMaster({
  listen,
  workers: ['one', 'two', 'three'].map((name) => localWorker(name)),
  builders: ['one', 'two'].map((name) => ({ name, workers: [name], steps: [gated] })),
})`

test('before maintenance everything is drained and waited for, with what still runs; a paused worker stays paused', async () => {
  const gate = join(await tempDir(), 'gate')
  const master = await startMaster({ config: several, env: { GATE: gate } })
  await master.cli('workers', 'pause', 'three', '--reason', 'disk full')
  const requests = [await master.force('one'), await master.force('two')]
  const builds: number[] = await waitFor('the builds', async () => {
    const found = await Promise.all(
      requests.map(async (id) => (await master.api(`/requests/${id}`)).buildIds[0]),
    )
    return found.every(Boolean) ? found : undefined
  })
  const child = master.spawnCli(['workers', 'drain', '--all', '--wait', '--reason', 'new kernel'])
  let said = ''
  child.stderr!.on('data', (data) => (said += String(data)))
  const draining = finished(child)
  await waitFor('what still runs', () =>
    said.includes(`waiting for 2 builds on one (${builds[0]}), two (${builds[1]})`),
  )
  await writeFile(gate, '')
  const drained = await draining
  expect(drained.code).toBe(0)
  expect(drained.stdout).toMatch(/^one is drained .*: new kernel\ntwo is drained .*: new kernel\n$/)
  expect(await master.api('/workers/three')).toMatchObject({ adminState: 'paused', adminReason: 'disk full' })

  const resumed = await master.cli('workers', 'resume', '--all', '--json')
  expect(JSON.parse(resumed.stdout).items.map(({ name }: { name: string }) => name)).toEqual(['one', 'two'])
  expect(await master.api('/workers/three')).toMatchObject({ adminState: 'paused' })
  expect((await master.cli('workers', 'resume', '--all')).stdout).toBe('no worker to resume\n')
})

test('drain wants the name of a worker or --all', async () => {
  const master = await startMaster({ config })
  for (const args of [[], ['bot', '--all']]) {
    const { code, stderr } = await master.cli('workers', 'drain', ...args)
    expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining('or --all') })
  }
})
