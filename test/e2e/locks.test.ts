import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { MasterProcess } from '../helpers/master-process.ts'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
const { defineMaster, masterLock, workerLock, staticWorker, shell } = rouse
const hold = (name) => 'echo begin ' + name + ' >> ../../order; while [ ! -e ../../go-' + name + ' ]; do sleep 0.05; done; echo end ' + name + ' >> ../../order'
const db = masterLock('db'), net = masterLock('net', { maxCount: 2 }), disk = workerLock('disk')
const at = (name, o) => ({ name, workers: ['bot'], steps: [shell(hold(name), { name: 'hold' })], ...o })
export default defineMaster({
  listen,
  workers: [staticWorker('bot', { password: 'b0t', maxBuilds: 8 })],
  builders: [
    at('one', { locks: [db.access('exclusive')] }),
    at('two', { locks: [db.access('exclusive')] }),
    at('three', { locks: [db.access('exclusive')] }),
    at('free'),
    at('step', { steps: [shell('true', { name: 'before' }), shell(hold('step'), { name: 'hold', locks: [db.access('exclusive'), disk.access('counting')] })] }),
  ],
})`

const order = async (master: MasterProcess) =>
  (await readFile(join(master.dir, 'agent-bot/order'), 'utf8').catch(() => '')).split('\n').filter(Boolean)
const go = (master: MasterProcess, name: string) => writeFile(join(master.dir, 'agent-bot', `go-${name}`), '')
const begun = (master: MasterProcess, name: string) =>
  waitFor(`${name} to begin`, async () => (await order(master)).includes(`begin ${name}`))
const waits = (master: MasterProcess, id: number, reason: string) =>
  waitFor(`r${id} to wait: ${reason}`, async () => {
    const { waitingFor } = await master.api(`/requests/${id}`)
    if (waitingFor !== reason) throw new Error(String(waitingFor))
    return true
  })
const secondStep = async (master: MasterProcess, build: number) =>
  (await master.api(`/builds/${build}/steps`)).items[1]

test(
  'builds that want one lock run one after the other, first come first served, and each says who it waits for',
  { timeout: 90_000 },
  async () => {
    const master = await startMaster({ config })
    await master.agent('bot', 'b0t')
    const one = await master.force('one')
    await begun(master, 'one')
    const two = await master.force('two')
    await waits(master, two, 'waits for lock "db" held by build 1 of one')
    const three = await master.force('three', { priority: 9 })
    const free = await master.force('free')
    await begun(master, 'free')
    expect((await master.cli('requests')).stdout).toContain('waits for lock "db" held by build 1 of one')

    await go(master, 'one')
    await begun(master, 'two')
    await waits(master, three, 'waits for lock "db" held by build 3 of two')
    await master.api(`/requests/${two}/cancel`, { method: 'POST', json: {} })
    await begun(master, 'three')
    await Promise.all(['three', 'free'].map((name) => go(master, name)))
    for (const id of [one, three, free]) expect(await master.request(id)).toMatchObject({ result: 'SUCCESS' })
    expect(await master.request(two)).toMatchObject({ result: 'CANCELLED' })
    const seen = (await order(master)).filter((line) => !line.includes('free'))
    expect(seen).toEqual(['begin one', 'end one', 'begin two', 'begin three', 'end three'])
  },
)

test(
  'a step waits for its own locks, says so in its log and on the page, and ends when it is cancelled meanwhile',
  { timeout: 90_000 },
  async () => {
    const master = await startMaster({ config })
    await master.agent('bot', 'b0t')
    const one = await master.force('one')
    await begun(master, 'one')
    const reason = 'waits for lock "db" held by build 1 of one'
    const cancelled = await master.force('step')
    await waitFor('the step to wait', async () => (await secondStep(master, 2)).summary === reason)
    await waitFor('its log to say so', async () => (await master.logText(2)).includes(`${reason}\n`))
    await master.api('/builds/2/cancel', { method: 'POST', json: { reason: 'no need' } })
    expect(await master.request(cancelled)).toMatchObject({ result: 'CANCELLED' })

    const step = await master.force('step')
    await waitFor('the step to wait', async () => (await secondStep(master, 3)).summary === reason)
    const two = await master.force('two')
    await waits(master, two, reason)
    await go(master, 'one')
    await begun(master, 'step')
    await waitFor('the step to say nothing', async () => (await secondStep(master, 3)).summary === null)
    await waits(master, two, 'waits for lock "db" held by build 3 of step, step "hold"')
    await Promise.all([go(master, 'step'), go(master, 'two')])
    for (const id of [one, step, two]) expect(await master.request(id)).toMatchObject({ result: 'SUCCESS' })
    expect(await order(master)).toEqual([
      'begin one',
      'end one',
      'begin step',
      'end step',
      'begin two',
      'end two',
    ])
  },
)

for (const holder of ['one', 'step']) {
  test(
    `after the master was killed, a ${holder === 'step' ? 'step' : 'build'} has its lock again before anybody else`,
    { timeout: 90_000 },
    async () => {
      const master = await startMaster({ config })
      await master.agent('bot', 'b0t')
      const first = await master.force(holder)
      await begun(master, holder)
      const two = await master.force('two')
      await waitFor('two to wait', async () =>
        (await master.api(`/requests/${two}`)).waitingFor?.includes('"db"'),
      )
      await master.end('SIGKILL')
      await master.start()
      await waitFor('the agent', async () => (await master.api('/workers/bot')).connected)
      await waitFor('two to wait', async () =>
        (await master.api(`/requests/${two}`)).waitingFor?.includes('"db"'),
      )
      expect((await master.api('/builds')).items).toHaveLength(1)
      await Promise.all([go(master, holder), go(master, 'two')])
      for (const id of [first, two]) expect(await master.request(id)).toMatchObject({ result: 'SUCCESS' })
      expect(await order(master)).toEqual([`begin ${holder}`, `end ${holder}`, 'begin two', 'end two'])
    },
  )
}
