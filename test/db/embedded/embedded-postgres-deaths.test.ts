import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { isAlive, readPostmasterPid } from '../../../src/db/embedded/postmaster-pid.ts'
import {
  endProcess,
  holdDataDir,
  queryOnce,
  spawnHolder,
  startPostgres,
} from '../../helpers/embedded-postgres.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { waitFor } from '../../helpers/wait-for.ts'

test('the server of a killed master is taken over as it runs', async () => {
  const dataDir = await tempDir()
  const { master, pid } = await holdDataDir(dataDir)
  const address = { host: join(dataDir, 'postgres'), user: 'rouse', database: 'rouse' }
  await queryOnce(address, 'create table kept as select 1 as one')
  await endProcess(master, 'SIGKILL')
  const heir = await startPostgres(dataDir)
  expect(heir.pid).toBe(pid)
  expect(await queryOnce(heir.address, 'select one from kept')).toEqual([{ one: 1 }])
  await heir.stop()
  expect(await readPostmasterPid(join(dataDir, 'postgres'))).toBeUndefined()
})

test('when master and server were both killed, the next start recovers', async () => {
  const dataDir = await tempDir()
  const { master, pid } = await holdDataDir(dataDir)
  const address = { host: join(dataDir, 'postgres'), user: 'rouse', database: 'rouse' }
  await queryOnce(address, 'create table kept as select 1 as one')
  await endProcess(master, 'SIGKILL')
  process.kill(pid, 'SIGKILL')
  const heir = await startPostgres(dataDir)
  expect(heir.pid).not.toBe(pid)
  expect(await queryOnce(heir.address, 'select one from kept')).toEqual([{ one: 1 }])
})

test('a pid file whose number another program has now does not hinder the start', async () => {
  const dataDir = await tempDir()
  await (await startPostgres(dataDir)).stop()
  const stranger = spawn('sleep', ['600'])
  onTestFinished(() => endProcess(stranger, 'SIGKILL'))
  const folder = join(dataDir, 'postgres')
  const content = [
    stranger.pid,
    folder,
    '1700000000',
    '5432',
    folder,
    '',
    '  1234567     99',
    'ready   ',
    '',
  ].join('\n')
  await writeFile(join(folder, 'postmaster.pid'), content)
  await writeFile(join(folder, '.s.PGSQL.5432.lock'), content)
  const { address, pid } = await startPostgres(dataDir)
  expect(pid).not.toBe(stranger.pid)
  expect(await queryOnce(address, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(stranger.exitCode).toBeNull()
})

test('a second master on the same folder is refused, and the first does not notice', async () => {
  const dataDir = await tempDir()
  const { master, pid } = await holdDataDir(dataDir)
  await expect(startPostgres(dataDir)).rejects.toMatchObject({
    code: 'ROUSE_DATA_DIR_IN_USE',
    message: expect.stringContaining(`process ${master.pid} on `),
  })
  const address = { host: join(dataDir, 'postgres'), user: 'rouse', database: 'rouse' }
  expect(await queryOnce(address, 'select 1 as one')).toEqual([{ one: 1 }])
  expect((await readPostmasterPid(join(dataDir, 'postgres')))?.pid).toBe(pid)
  expect(master.exitCode).toBeNull()
})

test('of two masters that start at the same time on a fresh folder, one wins', async () => {
  const dataDir = await tempDir()
  const started = await Promise.allSettled([startPostgres(dataDir), startPostgres(dataDir)])
  const won = started.filter((result) => result.status === 'fulfilled')
  const lost = started.filter((result) => result.status === 'rejected')
  expect(won).toHaveLength(1)
  expect(lost).toMatchObject([{ reason: { code: 'ROUSE_DATA_DIR_IN_USE' } }])
  expect(await queryOnce(won[0]!.value.address, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(await readdir(dataDir)).toEqual(['postgres', 'postgres.log'])
})

test('a master that starts while the one before it stops waits for its end', async () => {
  const dataDir = await tempDir()
  const { master, pid } = await holdDataDir(dataDir)
  const ended = once(master, 'exit')
  master.kill('SIGTERM')
  const server = join(dataDir, 'postgres')
  await waitFor('the server to begin its end', async () => (await log(dataDir)).includes('fast shutdown'))
  const next = await startPostgres(dataDir)
  await ended
  expect(next.pid).not.toBe(pid)
  expect((await readPostmasterPid(server))?.pid).toBe(next.pid)
  expect(await queryOnce(next.address, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('a server that dies under a living master is started again', async () => {
  const dataDir = await tempDir()
  const postgres = await startPostgres(dataDir)
  const before = postgres.pid
  process.kill(before, 'SIGKILL')
  await waitFor('another server', () => postgres.pid !== before)
  expect(await queryOnce(postgres.address, 'select 1 as one')).toEqual([{ one: 1 }])
  await expect(startPostgres(dataDir)).rejects.toMatchObject({ code: 'ROUSE_DATA_DIR_IN_USE' })
})

test('a master is told when its server cannot be brought back', async () => {
  const dataDir = await tempDir()
  const lost: unknown[] = []
  const postgres = await startPostgres(dataDir, { onLost: (error) => lost.push(error) })
  await appendFile(join(dataDir, 'postgres', 'postgresql.conf'), 'nonsense = 1\n')
  process.kill(postgres.pid, 'SIGKILL')
  await waitFor('the news', () => lost.length)
  expect(lost).toMatchObject([
    { code: 'ROUSE_EMBEDDED_POSTGRES', message: expect.stringContaining('nonsense') },
  ])
})

test('a start that is broken off leaves no server behind', async () => {
  const dataDir = await tempDir()
  await (await startPostgres(dataDir)).stop()
  const reason = new Error('Ctrl-C')
  const controller = new AbortController()
  const starting = startPostgres(dataDir, { signal: controller.signal })
  const folder = join(dataDir, 'postgres')
  const { pid } = await waitFor('the server to begin', () => readPostmasterPid(folder), { interval: 1 })
  controller.abort(reason)
  await expect(starting).rejects.toBe(reason)
  await waitFor('the server to be gone', () => !isAlive(pid))
})

test('a death during the set-up leaves nothing that hinders the next start', async () => {
  const dataDir = await tempDir()
  const { master } = spawnHolder(dataDir)
  await waitFor(
    'initdb',
    async () => (await readdir(dataDir)).some((name) => name.startsWith('postgres.new-')),
    {
      interval: 1,
    },
  )
  await endProcess(master, 'SIGKILL')
  const { address } = await startPostgres(dataDir)
  expect(await queryOnce(address, 'select 1 as one')).toEqual([{ one: 1 }])
})

async function log(dataDir: string): Promise<string> {
  return readFile(join(dataDir, 'postgres.log'), 'utf8')
}
