import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { clientConfig } from '../../src/db/database-address.ts'
import { readPostmasterPid } from '../../src/db/embedded/postmaster-pid.ts'
import type { MasterProcess } from '../helpers/master-process.ts'
import { startBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
const { defineMaster, localWorker, shell, staticWorker, step, trigger } = rouse
const workers = ['local-1']
export default defineMaster({
  listen,
  workers: [localWorker('local-1', { maxBuilds: 5 }), staticWorker('away', { password: 'aw4y' })],
  builders: [
    { name: 'both', workers, steps: [trigger({ builders: ['slow', 'never'], waitForFinish: true })] },
    { name: 'one', workers, steps: [trigger({ builders: ['slow'], waitForFinish: true, name: 'ask' })] },
    { name: 'hasty', workers, steps: [step('ask', async (context) => {
      void context.trigger({ builders: ['never'], wait: true }).catch(() => {})
      await context.trigger({ builders: ['quick'], wait: true, key: 'quick' })
    }), trigger({ builders: ['slow'] })] },
    { name: 'quick', workers, steps: [shell('true')] },
    { name: 'slow', workers, steps: [shell('while [ ! -e ../go ]; do sleep 0.05; done'), shell('touch ../cleaned', { alwaysRun: true })] },
    { name: 'never', workers: ['away'], steps: [shell('true')] },
  ],
})`

const fileOf = (master: MasterProcess, name: string) =>
  join(master.dir, 'rouse-data/workers/local-1/slow', name)

/** The newest request of a builder, once it is as wanted. */
function requestOf(master: MasterProcess, builder: string, isIt: (request: any) => boolean): Promise<any> {
  return waitFor(`a request of ${builder}`, async () => {
    const [newest] = (await master.api(`/requests?builder=${builder}`)).items
    return newest && isIt(newest) ? newest : undefined
  })
}

/** A client of the master's own PostgreSQL. */
async function connect(master: MasterProcess): Promise<pg.Client> {
  const { socketFolder } = (await readPostmasterPid(join(master.dir, 'rouse-data/postgres')))!
  const client = new pg.Client(clientConfig({ host: socketFolder!, user: 'rouse', database: 'rouse' }))
  await client.connect()
  return client
}

test('a master that dies between the cancel of a build and that of the builds it waits for: the next one cancels them', async () => {
  const master = await startMaster({ config })
  const { request } = await startBuild(master, 'both')
  const slow = await requestOf(master, 'slow', ({ buildIds }) => buildIds.length > 0)
  const never = await requestOf(master, 'never', () => true)
  await waitFor('the child', async () => (await master.api('/builds/2')).state === 'running')

  const client = await connect(master)
  await client.query('begin')
  await client.query('select from requests where id = any($1) for update', [[slow.id, never.id]])
  await client.query('select from builds where request_id = $1 for update', [slow.id])
  await master.api(`/requests/${request}/cancel`, { method: 'POST', json: { reason: 'enough' } })
  await waitFor('the cancel of the children', async () => {
    const waiting = `select from pg_stat_activity where wait_event_type = 'Lock'`
    return (await client.query(waiting)).rowCount! > 0
  })
  await master.end('SIGKILL')
  await client.query('rollback')
  await client.end()

  await master.start()
  expect(await master.request(request)).toMatchObject({ result: 'CANCELLED' })
  expect(await master.request(never.id)).toMatchObject({ result: 'CANCELLED' })
  expect(await master.request(slow.id)).toMatchObject({ result: 'CANCELLED' })
  const [build] = (await master.api(`/requests/${slow.id}`)).buildIds
  expect(await master.api(`/builds/${build}`)).toMatchObject({
    summary: expect.stringMatching(/which waits for it, was cancelled: enough$/),
  })
  // It was asked once: a second cancel would have ended this step too.
  expect(await readFile(fileOf(master, 'cleaned'), 'utf8')).toBe('')
}, 60_000)

test('a build that is begun afresh leaves none behind of those that it waited for', async () => {
  const master = await startMaster({ config })
  const { request } = await startBuild(master, 'one')
  const first = await requestOf(master, 'slow', ({ buildIds }) => buildIds.length > 0)
  await master.end('SIGKILL')
  const file = join(master.dir, 'master.config.ts')
  await writeFile(file, (await readFile(file, 'utf8')).replace("name: 'ask'", "name: 'ask again'"))
  await master.start()
  expect(await master.request(first.id)).toMatchObject({ result: 'CANCELLED' })
  const second = await requestOf(master, 'slow', ({ id }) => id !== first.id)
  await writeFile(fileOf(master, 'go'), '')
  expect(await master.request(second.id)).toMatchObject({ result: 'SUCCESS' })
  const { buildIds, result } = await master.request(request)
  expect(result).toBe('SUCCESS')
  expect(await master.api(`/builds/${buildIds[0]}`)).toMatchObject({ result: 'RETRY' })
  expect(buildIds).toHaveLength(2)
}, 60_000)

test('what a step waits for is cancelled when the step is over without it; what nobody waits for goes on', async () => {
  const master = await startMaster({ config })
  const hasty = await master.force('hasty')
  expect(await master.request(hasty)).toMatchObject({ result: 'SUCCESS' })
  const never = await requestOf(master, 'never', ({ state }) => state === 'complete')
  expect(never).toMatchObject({ result: 'CANCELLED', buildIds: [] })
  const slow = await requestOf(master, 'slow', () => true)
  await waitFor('the folder', () => writeFile(fileOf(master, 'go'), '').then(() => true))
  expect(await master.request(slow.id)).toMatchObject({ result: 'SUCCESS' })
}, 60_000)

test('a key that somebody gives to a force is never that of a trigger', async () => {
  const master = await startMaster({ config })
  const headers = { 'idempotency-key': 'rouse:trigger:1:1:1' }
  const forced = await master.api('/builders/never/force', { method: 'POST', json: {}, headers })
  const { build } = await startBuild(master, 'one')
  const [{ id: step }] = (await master.api(`/builds/${build}/steps`)).items
  expect([build, step]).toEqual([1, 1])
  const slow = await requestOf(master, 'slow', ({ buildIds }) => buildIds.length > 0)
  expect(forced.requestIds).not.toContain(slow.id)
}, 60_000)
