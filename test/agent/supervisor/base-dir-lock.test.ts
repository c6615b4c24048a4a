import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Supervisor } from '../../../src/agent/supervisor/supervisor.ts'
import { lockBaseDir } from '../../../src/agent/supervisor/base-dir-lock.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { RecordedLog } from '../run-test-agent.ts'

test('two agents cannot share a base dir, and the second says which process is in the way', async () => {
  const baseDir = await tempDir()
  const log = new RecordedLog()
  const first = new Supervisor({ baseDir, log })
  expect(() => new Supervisor({ baseDir, log })).toThrow(
    expect.objectContaining({
      code: 'ROUSE_AGENT_BASE_DIR_IN_USE',
      message: expect.stringContaining(String(process.pid)),
    }),
  )
  await first.close()
  await new Supervisor({ baseDir, log }).close()
})

test.each([
  ['a dead process', JSON.stringify({ pid: 2 ** 22 + 1, identity: 'boot:1', token: 1 })],
  [
    'a process that got the same id later',
    JSON.stringify({ pid: process.pid, identity: 'another boot:1', token: 1 }),
  ],
  ['an agent that died while it wrote it', ''],
])('the lock of %s is taken over', async (_, content) => {
  const dir = await tempDir()
  const file = join(dir, 'lock')
  await writeFile(file, content)
  const unlock = lockBaseDir(dir, file)
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ pid: process.pid })
  unlock()
  expect(await readdir(dir)).toEqual([])
})

test('a lock that somebody else holds by now is not given back', async () => {
  const dir = await tempDir()
  const file = join(dir, 'lock')
  const unlock = lockBaseDir(dir, file)
  const theirs = JSON.stringify({ pid: 1, identity: null, token: 7 })
  await writeFile(file, theirs)
  unlock()
  expect(await readFile(file, 'utf8')).toBe(theirs)
})

test('a base dir that cannot be used is told with its name', async () => {
  const dir = await tempDir()
  await writeFile(join(dir, 'file'), '')
  expect(() => new Supervisor({ baseDir: join(dir, 'file'), log: new RecordedLog() })).toThrow(
    expect.objectContaining({
      code: 'ROUSE_AGENT_BASE_DIR',
      message: expect.stringContaining(join(dir, 'file')),
    }),
  )
})
