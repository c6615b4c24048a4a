import { chmod, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { isAlive } from '../../../src/db/embedded/postmaster-pid.ts'
import { copyPostgresPackage } from '../../helpers/copy-postgres-package.ts'
import { queryOnce, startPostgres } from '../../helpers/embedded-postgres.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const asRoot = process.getuid!() === 0
const path = process.env['PATH']!
afterEach(showUnshare)

test('a fresh data folder gets a database that keeps what was written', async () => {
  const dataDir = await tempDir()
  const sentences: string[] = []
  const progress = (sentence: string) => sentences.push(sentence)
  const first = await startPostgres(dataDir, { progress })
  await queryOnce(first.address, 'create table kept as select 1 as one')
  await first.stop()
  expect(isAlive(first.pid)).toBe(false)
  const second = await startPostgres(dataDir, { progress })
  expect(await queryOnce(second.address, 'select one from kept')).toEqual([{ one: 1 }])
  expect(sentences).toEqual(['Setting up the database; this is done once'])
})

test('only its owner reaches the database, and not by TCP', async () => {
  const dataDir = await tempDir()
  const { address } = await startPostgres(dataDir)
  expect((await stat(join(dataDir, 'postgres'))).mode & 0o777).toBe(0o700)
  expect((await stat(join(dataDir, 'postgres.log'))).mode & 0o777).toBe(0o600)
  const settings = `select name, setting from pg_settings where name in ('listen_addresses', 'server_encoding')`
  expect(await queryOnce(address, `${settings} order by name`)).toEqual([
    { name: 'listen_addresses', setting: '' },
    { name: 'server_encoding', setting: 'UTF8' },
  ])
})

test('without other settings it is durable', async () => {
  const { address } = await startPostgres(await tempDir(), { settings: {} })
  const settings = `select setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes')`
  expect(await queryOnce(address, settings)).toEqual([
    { setting: 'on' },
    { setting: 'on' },
    { setting: 'on' },
  ])
})

test.skipIf(process.platform !== 'linux')("Ctrl-C at the master's terminal does not reach it", async () => {
  const { pid } = await startPostgres(await tempDir())
  const afterName = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')
  const [, , processGroup, session] = afterName
  expect([processGroup, session]).toEqual([String(pid), String(pid)])
})

test.skipIf(!asRoot)('as root it runs in a folder that only root may enter', async () => {
  const parent = await tempDir()
  await chmod(parent, 0o700)
  const dataDir = join(parent, 'inner', 'rouse-data')
  const { address } = await startPostgres(dataDir)
  expect(await queryOnce(address, 'select 1 as one')).toEqual([{ one: 1 }])
  expect((await stat(join(dataDir, 'postgres', 'PG_VERSION'))).uid).toBe(0)
})

test.skipIf(!asRoot)('as root where user namespaces are refused, it runs as another user', async () => {
  await hideUnshare()
  const open = await dirWithMode(0o755)
  const dataDir = join(open, 'rouse-data')
  // A copy, for the other user may not be able to enter this checkout.
  const packageRoot = await copyPostgresPackage(join(open, 'package'))
  const first = await startPostgres(dataDir, { packageRoot })
  expect(await queryOnce(first.address, 'select 1 as one')).toEqual([{ one: 1 }])
  const owner = (await stat(join(dataDir, 'postgres'))).uid
  expect(owner).toBeGreaterThan(0)
  await first.stop()
  // And later, where they are allowed, it goes on as that user.
  showUnshare()
  const second = await startPostgres(dataDir, { packageRoot })
  expect(await queryOnce(second.address, 'select 1 as one')).toEqual([{ one: 1 }])
  expect((await stat(join(dataDir, 'postgres', 'postmaster.pid'))).uid).toBe(owner)
})

test.skipIf(!asRoot)('as root where nothing helps, it says what to do', async () => {
  await hideUnshare()
  const closed = await dirWithMode(0o700)
  await expect(startPostgres(join(closed, 'rouse-data'))).rejects.toMatchObject({
    code: 'ROUSE_EMBEDDED_POSTGRES',
    message: expect.stringMatching(/Permission denied|EACCES/),
    advice: expect.stringContaining('ordinary user'),
  })
})

test('a path that is too long for a socket, with spaces, commas and quotes, works', async () => {
  const dataDir = join(await tempDir(), `it's "long", `.repeat(4), 'x'.repeat(60))
  const first = await startPostgres(dataDir)
  expect(await queryOnce(first.address, 'select 1 as one')).toEqual([{ one: 1 }])
  const { host } = first.address as { host: string }
  expect((await stat(host)).mode & 0o777).toBe(0o700)
  await first.stop()
  await expect(stat(host)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a socket folder that others prepared is refused', async () => {
  const dataDir = join(await tempDir(), 'x'.repeat(100))
  const first = await startPostgres(dataDir)
  const { host } = first.address as { host: string }
  await first.stop()
  await mkdir(host)
  onTestFinished(async () => {
    await chmod(host, 0o700)
    await (await startPostgres(dataDir)).stop()
  })
  await chmod(host, 0o777)
  await expect(startPostgres(dataDir)).rejects.toMatchObject({
    code: 'ROUSE_EMBEDDED_POSTGRES',
    message: expect.stringContaining(host),
  })
})

test('a database of another PostgreSQL version is refused with both versions', async () => {
  const dataDir = await tempDir()
  await (await startPostgres(dataDir)).stop()
  await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '15\n')
  await expect(startPostgres(dataDir)).rejects.toMatchObject({
    code: 'ROUSE_EMBEDDED_POSTGRES',
    message: expect.stringMatching(/PostgreSQL 15.* PostgreSQL \d+$/),
  })
})

test('a folder that holds something else is left alone', async () => {
  const dataDir = await tempDir()
  await mkdir(join(dataDir, 'postgres'))
  await writeFile(join(dataDir, 'postgres', 'letters.txt'), 'dear')
  await expect(startPostgres(dataDir)).rejects.toMatchObject({ code: 'ROUSE_EMBEDDED_POSTGRES' })
  expect(await readdir(dataDir)).toEqual(['postgres'])
  expect(await readdir(join(dataDir, 'postgres'))).toEqual(['letters.txt'])
})

test('a server that cannot start is reported with what it said', async () => {
  const starting = startPostgres(await tempDir(), { settings: { shared_buffers: 'plenty' } })
  await expect(starting).rejects.toMatchObject({
    code: 'ROUSE_EMBEDDED_POSTGRES',
    message: expect.stringContaining('shared_buffers'),
  })
})

test("the server's log is moved aside when it has grown long", async () => {
  const dataDir = await tempDir()
  await writeFile(join(dataDir, 'postgres.log'), '')
  await truncate(join(dataDir, 'postgres.log'), 11 * 1024 * 1024)
  await startPostgres(dataDir)
  expect((await stat(join(dataDir, 'postgres.log'))).size).toBeLessThan(64 * 1024)
  expect((await stat(join(dataDir, 'postgres.log.1'))).size).toBe(11 * 1024 * 1024)
})

// A PATH without it stands for a container that refuses it.
async function hideUnshare(): Promise<void> {
  process.env['PATH'] = await tempDir()
}

function showUnshare(): void {
  process.env['PATH'] = path
}

async function dirWithMode(mode: number): Promise<string> {
  const dir = await tempDir()
  await chmod(dir, mode)
  return dir
}
