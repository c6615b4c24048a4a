import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
const { defineMaster, staticWorker, shell } = rouse
export default defineMaster({
  listen,
  workers: [staticWorker('bot', { password: 'b0t' })],
  builders: [
    { name: 'quick', workers: ['bot'], steps: [shell('echo quick')] },
    { name: 'slow', workers: ['bot'], steps: [shell('echo $$ > pid; while [ ! -e go ]; do sleep 0.1; done')] },
  ],
})`

test(
  'after kill -9 of the master nothing acknowledged is lost, the agent comes back, and waiting requests run',
  { timeout: 90_000 },
  async () => {
    const master = await startMaster({ config })
    const agent = await master.agent('bot', 'b0t')
    const done = await master.request(await master.force('quick'))
    const logBefore = await master.logText(done.buildIds[0])

    const slow = await master.force('slow')
    const pidFile = join(agent.baseDir, 'slow/0/pid')
    const pid = Number(await waitFor('the slow command', () => readFile(pidFile, 'utf8')))
    const queued = await Promise.all(Array.from({ length: 10 }, () => master.force('quick')))

    await master.end('SIGKILL')
    await master.start()

    expect(await master.api(`/requests/${done.id}`)).toMatchObject({ result: 'SUCCESS' })
    expect(await master.logText(done.buildIds[0])).toBe(logBefore)

    expect(await master.api(`/requests/${queued[0]}`), 'waits for its turn').toMatchObject({
      state: 'pending',
    })
    expect(() => process.kill(pid, 0), 'the running command goes on').not.toThrow()
    await writeFile(join(agent.baseDir, 'slow/0/go'), '')
    expect(await master.request(slow)).toMatchObject({ result: 'SUCCESS', buildIds: [expect.any(Number)] })
    for (const id of queued) expect(await master.request(id)).toMatchObject({ result: 'SUCCESS' })
  },
)

test('an idle agent comes back to a restarted master by itself', async () => {
  const master = await startMaster({ config })
  const connected = async () => (await master.api('/workers/bot')).connected
  await master.agent('bot', 'b0t')
  await waitFor('the agent', connected)
  await master.end('SIGKILL')
  await master.start()
  await waitFor('the agent to be back', connected)
})

test('a master that is told to stop ends cleanly, and the next one takes up what was left', async () => {
  const master = await startMaster({ config })
  const agent = await master.agent('bot', 'b0t')
  const slow = await master.force('slow')
  await waitFor('the slow command', () => readFile(join(agent.baseDir, 'slow/0/pid'), 'utf8'))
  expect(await master.end('SIGTERM')).toBe(0)
  await expect(readFile(join(master.dir, 'rouse-data/master.json'))).rejects.toThrow('ENOENT')
  await expect(readFile(join(master.dir, 'rouse-data/postgres/postmaster.pid'))).rejects.toThrow('ENOENT')
  await master.start()
  await writeFile(join(agent.baseDir, 'slow/0/go'), '')
  expect(await master.request(slow)).toMatchObject({ result: 'SUCCESS' })
})

test('a second master on the same folder is refused with a clear error, and the first goes on', async () => {
  const master = await startMaster({ config })
  const second = await master.cli('start')
  expect(second.code).not.toBe(0)
  expect(second.stderr + second.stdout).toContain('ROUSE_DATA_DIR_IN_USE')
  expect((await master.api('/ready')) !== undefined).toBe(true)
})
