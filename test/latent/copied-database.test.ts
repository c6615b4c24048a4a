import { randomUUID } from 'node:crypto'
import pg from 'pg'
import pino from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../src/db/connection.ts'
import { clientConfig } from '../../src/db/database-address.ts'
import { FakeCloud } from '../../workers/fake/index.ts'
import type { TestDatabase } from '../helpers/database.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { openMaster, testDatabase, type OpenMaster } from './open-master.ts'

/** A cloud with one instance that a master has started, and a copy of that master's database. */
async function copied(): Promise<{ cloud: FakeCloud; copy: TestDatabase; dataDir: string; id: string }> {
  const database = await testDatabase()
  const cloud = new FakeCloud()
  onTestFinished(() => cloud.close())
  const original = await openMaster({ database, cloud, worker: { onShutdown: 'keep' } })
  await original.post('/api/v1/builders/unit/force')
  const { id } = await waitFor<any>('a machine', () => cloud.machines[0])
  await waitFor('the row', async () => (await original.get('/api/v1/instances?state=starting')).items[0])
  await original.stop()
  return { cloud, id, dataDir: original.dataDir, copy: await copyOf(database) }
}

const started = (cloud: FakeCloud) => cloud.calls.filter(({ operation }) => operation !== 'list').length
const swept = async (cloud: FakeCloud) => {
  const before = cloud.calls.length
  await waitFor('two sweeps', () => cloud.calls.length >= before + 2)
}

test('a copied database holds its latent workers: nothing is started or ended, and the requests say why', async () => {
  const { cloud, copy, dataDir } = await copied()
  const calls = started(cloud)
  const orphan = {
    id: 'rouse-orphan',
    worker: 'dock',
    name: 'dock/9',
    template: {},
    generation: 1,
    token: '',
  }
  const agent = { file: '', sha256: '', masters: [] }
  const cluster = cloud.machines[0]!.cluster
  cloud.add({ ...orphan, agent, expiresAt: new Date() }, cluster)
  const { get, logged, post } = await openMaster({
    ...{ database: copy, cloud, dataDir },
    config: { orphanGrace: 0, sweepInterval: 0.1 },
    worker: { instances: { max: 2 } },
  })
  await post('/api/v1/builders/unit/force')
  await swept(cloud)
  const reason = await waitFor('the reason', async () => (await get('/api/v1/requests')).items[0].waitingFor)
  expect(reason).toContain('its database was copied or moved; `rouse cluster adopt` or `rouse cluster renew`')
  expect((await get('/api/v1/workers/dock')).status).toContain('its database was copied or moved')
  expect((await get('/api/v1/cluster')).held).toContain('rouse cluster adopt')
  expect(await post('/api/v1/instances/reap')).toMatchObject({
    items: [{ id: 'rouse-orphan', ended: false }],
  })
  await swept(cloud)
  expect(started(cloud)).toBe(calls)
  expect(cloud.machines).toHaveLength(2)
  expect(logged.filter(({ msg }) => String(msg).includes('copied or moved')).length).toBeGreaterThan(0)
})

test('after `cluster adopt` its instances are looked after, also after the next start', async () => {
  const { cloud, copy, dataDir, id } = await copied()
  const options = { database: copy, cloud, dataDir, worker: { startTimeout: '1s' } } as const
  const { get, post, stop } = await openMaster(options)
  const { id: cluster } = await get('/api/v1/cluster')
  expect(await post('/api/v1/cluster/adopt')).toEqual({ id: cluster, held: null })
  await post('/api/v1/requests/r1/cancel')
  await waitFor('its end', async () => (await get(`/api/v1/instances/${id}`)).state === 'gone')
  expect(cloud.machines).toEqual([])
  await stop()
  const again: OpenMaster = await openMaster(options)
  expect(await again.get('/api/v1/cluster')).toEqual({ id: cluster, held: null })
})

test('after `cluster renew` and a start it is another cluster: the instances are strangers and their rows are gone', async () => {
  const { cloud, copy, dataDir, id } = await copied()
  const options = { database: copy, cloud, dataDir, config: { orphanGrace: 0, sweepInterval: 0.1 } }
  const first = await openMaster(options)
  const { id: before } = await first.get('/api/v1/cluster')
  const { held, id: after } = await first.post('/api/v1/cluster/renew')
  expect(after).not.toBe(before)
  expect(held).toContain('until the master is started again')
  expect(await first.get(`/api/v1/instances/${id}`)).toMatchObject({ state: 'gone' })
  await first.stop()
  const { get } = await openMaster(options)
  expect(await get('/api/v1/cluster')).toEqual({ id: after, held: null })
  // The request of the copy waits on and gets an instance of its own.
  await waitFor('a machine of its own', () => cloud.machines.some(({ cluster }) => cluster === after))
  await swept(cloud)
  expect(cloud.machines.some((machine) => machine.id === id)).toBe(true)
})

test('a database that was not copied cannot be renewed, and adopting it changes nothing', async () => {
  const { get, post } = await openMaster()
  const cluster = await get('/api/v1/cluster')
  expect(await post('/api/v1/cluster/renew')).toMatchObject({ code: 'ROUSE_CLUSTER_NOT_COPIED' })
  expect(await post('/api/v1/cluster/adopt')).toEqual(cluster)
})

test('with a name in the config the cluster is the same again when its database was lost', async () => {
  const cloud = new FakeCloud()
  onTestFinished(() => cloud.close())
  const config = { cluster: 'acme', orphanGrace: 0, sweepInterval: 0.1 }
  const first = await openMaster({ cloud, config, worker: { onShutdown: 'keep' } })
  const cluster = await first.get('/api/v1/cluster')
  await first.post('/api/v1/builders/unit/force')
  await waitFor('a machine', () => cloud.machines[0])
  await first.stop()
  const second = await openMaster({ cloud, config })
  expect(await second.get('/api/v1/cluster')).toEqual(cluster)
  await waitFor('the end of the machine that nobody knows', () => cloud.machines.length === 0)
})

async function copyOf(database: TestDatabase): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await database.db.destroy()
  await asAdmin(database, `create database ${name} template ${database.address.database}`)
  const address = { ...database.address, database: name }
  const copy = await openDatabase({ address, log: pino({ level: 'silent' }) })
  onTestFinished(async () => {
    await copy.close()
    await asAdmin(database, `drop database ${name}`)
  })
  const url = `postgres://${address.user}@${encodeURIComponent(address.host)}/${name}`
  return { ...copy, address, url, close: copy.close }
}

async function asAdmin({ address }: TestDatabase, statement: string): Promise<void> {
  const client = new pg.Client(clientConfig({ ...address, database: 'postgres' }))
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
