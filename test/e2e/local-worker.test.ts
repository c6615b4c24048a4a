import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { groupIsGone } from '../agent/processes.ts'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
const { defineMaster, localWorker, shell } = rouse
export default defineMaster({
  listen,
  workers: [localWorker('local')],
  builders: [
    { name: 'quick', workers: ['local'], steps: [shell('echo quick')] },
    { name: 'slow', workers: ['local'], steps: [shell('echo $$ >> pids; until [ -e go ]; do sleep 0.05; done; echo went on')] },
  ],
})`

test(
  "a local worker's supervisor outlives a killed master, and the next one connects to it again",
  { timeout: 90_000 },
  async () => {
    const master = await startMaster({ config })
    const baseDir = join(master.dir, 'rouse-data/workers/local')
    const supervisor = () =>
      (JSON.parse(readFileSync(join(baseDir, '.rouse/supervisor.lock'), 'utf8')) as { pid: number }).pid
    const before = supervisor()
    const slow = await master.force('slow')
    const pids = join(baseDir, 'slow/0/pids')
    const pid = Number(await waitFor('the command', () => readFile(pids, 'utf8')))
    await master.end('SIGKILL')
    expect(() => process.kill(pid, 0), 'the command goes on').not.toThrow()
    await master.start()
    expect(supervisor()).toBe(before)
    await writeFile(join(baseDir, 'slow/0/go'), '')
    expect(await master.request(slow)).toMatchObject({ result: 'SUCCESS' })
    expect(await master.request(await master.force('quick'))).toMatchObject({ result: 'SUCCESS' })
  },
)

test(
  'when the supervisor of a local worker is killed, its build is lost at once and run again by another one',
  { timeout: 90_000 },
  async () => {
    const master = await startMaster({ config })
    const lock = join(master.dir, 'rouse-data/workers/local/.rouse/supervisor.lock')
    const supervisor = async () => (JSON.parse(await readFile(lock, 'utf8')) as { pid: number }).pid
    const before = await supervisor()
    const workspace = join(master.dir, 'rouse-data/workers/local/slow/0')
    const slow = await master.force('slow')
    const pids = async () => (await readFile(join(workspace, 'pids'), 'utf8')).trim().split('\n').map(Number)
    const [first] = await waitFor('the command', pids)
    process.kill(before, 'SIGKILL')
    await waitFor('the command to be run again', async () => (await pids()).length === 2, { timeout: 60_000 })
    expect(await supervisor()).not.toBe(before)
    expect(groupIsGone(first!)).toBe(true)
    await writeFile(join(workspace, 'go'), '')
    const request = await master.request(slow)
    expect(request).toMatchObject({ result: 'SUCCESS' })
    expect(request.buildIds).toHaveLength(2)
  },
)

test('a master that stops lets its idle supervisor end', { timeout: 90_000 }, async () => {
  const master = await startMaster({ config })
  expect(await master.request(await master.force('quick'))).toMatchObject({ result: 'SUCCESS' })
  const lock = join(master.dir, 'rouse-data/workers/local/.rouse/supervisor.lock')
  expect(await master.end('SIGTERM')).toBe(0)
  await waitFor('the lock to be given back', () =>
    readFile(lock).then(
      () => false,
      () => true,
    ),
  )
})
