import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import type { MasterConfig } from '../src/config/types.ts'
import type { BackendContext } from '../src/latent/backend.ts'
import { secret } from '../src/model/secret.ts'
import { shell } from '../src/steps/shell.ts'
import { FakeCloud, fakeWorker } from '../workers/fake/index.ts'
import { testDatabase, openMaster } from './latent/open-master.ts'
import { waitFor } from './helpers/wait-for.ts'
import { tempDir } from './helpers/temp-dir.ts'

/** A latent worker whose backend does something when it is opened. */
function opening(name: string, onOpen: (context: BackendContext) => unknown) {
  const cloud = new FakeCloud()
  const { backend, ...worker } = fakeWorker(name, { cloud })
  const open = async (context: BackendContext) => {
    await onOpen(context)
    return backend.open(context)
  }
  return { ...worker, backend: { ...backend, key: `fake of ${name}`, open } }
}

const steps = [shell('true')]

test('a reconfig whose new backend cannot be opened changes nothing', async () => {
  const database = await testDatabase()
  const broken = opening('cloudy', () => Promise.reject(new Error('no such provider')))
  const { get, master, post } = await openMaster({
    database,
    reload: ({ workers }) => ({
      ...anywhere,
      workers: [...workers, broken],
      builders: [{ name: 'fresh', workers: ['cloudy'], steps }],
    }),
  })
  await expect(master.reconfig()).rejects.toThrow('no such provider')
  expect((await get('/api/v1/builders')).items.map((b: any) => b.name)).toEqual(['unit'])
  expect((await get('/api/v1/workers')).items.map((w: any) => w.name)).toEqual(['dock'])
  expect(await post('/api/v1/builders/fresh/force')).toMatchObject({ code: 'ROUSE_BUILDER_UNKNOWN' })
  expect(await post('/api/v1/builders/unit/force')).toMatchObject({ requestIds: [expect.any(Number)] })
  const stored = await database.db
    .selectFrom('workers')
    .select('name')
    .where('configured', '=', true)
    .execute()
  expect(stored.map(({ name }) => name)).toEqual(['dock'])
})

test('a backend finds its secrets as it is opened: at the start, and those of the new config at a reconfig', async () => {
  const dataDir = await tempDir()
  for (const [folder, value] of [
    ['secrets', 'old'],
    ['other', 'new'],
  ] as const) {
    await mkdir(join(dataDir, folder))
    await writeFile(join(dataDir, folder, 'TOKEN'), value)
  }
  const found: string[] = []
  const read = ({ readSecret }: BackendContext) => found.push(readSecret(secret('TOKEN')))
  const workers = [opening('first', read), opening('second', read)]
  const config = (count: number): MasterConfig => ({
    ...anywhere,
    workers: workers.slice(0, count),
    builders: [{ name: 'unit', workers: ['first'], steps }],
  })
  const { master } = await openMaster({
    dataDir,
    config: config(1),
    reload: (before) => ({ ...before, ...config(2), secretsDir: 'other' }),
  })
  await master.reconfig()
  expect(found).toEqual(['old', 'new'])
})

test('a start that takes long keeps its lease, and a master that has lost its own lets nobody in any more', async () => {
  const database = await testDatabase()
  const lease = async () => {
    const { lease_until } = await database.db
      .selectFrom('masters')
      .select('lease_until')
      .executeTakeFirstOrThrow()
    return lease_until.getTime()
  }
  const slow = opening('slow', async () => {
    const before = await lease()
    await waitFor('the lease to be renewed', async () => (await lease()) > before, { timeout: 30_000 })
  })
  const { master } = await openMaster({
    database,
    config: { workers: [slow], builders: [{ name: 'unit', workers: ['slow'], steps }] },
  })
  // Another master has taken it for dead.
  await sql`update masters set stopped_at = now()`.execute(database.db)
  expect(await master.failed).toBe('the database says that this master has stopped')
  await waitFor('its page to be gone', () =>
    fetch(`${master.url}/api/v1/builders`).then(
      () => false,
      () => true,
    ),
  )
})

test('a start that fails later on closes the backends that it has opened', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const { backend, ...worker } = fakeWorker('cloudy', { cloud: new FakeCloud() })
  let [opened, closed] = [0, 0]
  const open = async (context: BackendContext) => {
    opened++
    return Object.assign(await backend.open(context), { close: async () => void closed++ })
  }
  const config: Partial<MasterConfig> = {
    listen: { host: '127.0.0.1', port },
    workers: [{ ...worker, backend: { ...backend, open } }],
    builders: [{ name: 'unit', workers: ['cloudy'], steps }],
  }
  await expect(openMaster({ config })).rejects.toThrow()
  expect([opened, closed]).toEqual([1, 1])
})

const anywhere = { listen: { host: '127.0.0.1', port: 0 } } satisfies Partial<MasterConfig>
