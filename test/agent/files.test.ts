import { chmod, lstat, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Operation } from '../../src/protocol/operation.ts'
import { startAgent } from './run-test-agent.ts'
import { WireMaster } from './wire-master.ts'

async function start() {
  const master = await WireMaster.start()
  const { baseDir } = await startAgent(master)
  const workspace = join(baseDir, 'builder/0')
  await mkdir(workspace, { recursive: true })
  const put = async (path: string, text = '') => {
    await mkdir(join(workspace, path, '..'), { recursive: true })
    await writeFile(join(workspace, path), text)
  }
  return { baseDir, workspace, put, run: (operation: Operation) => master.run(operation).done() }
}

const fine = { exitCode: 0, signal: null, reason: null }

test('folders are made with their parents, and making one again is fine', async () => {
  const { run, workspace } = await start()
  expect(await run({ op: 'mkdir', path: 'a/b/c' })).toEqual(fine)
  expect(await run({ op: 'mkdir', path: 'a/b/c' })).toEqual(fine)
  expect((await stat(join(workspace, 'a/b/c'))).isDirectory()).toBe(true)
})

test('folders are removed with all that is in them, read-only or not, and an absent one is fine', async () => {
  const { put, run, workspace } = await start()
  await put('tree/mod/cache/file', 'x')
  await chmod(join(workspace, 'tree/mod/cache'), 0o500)
  expect(await run({ op: 'rmdir', path: 'tree' })).toEqual(fine)
  expect(await run({ op: 'rmdir', path: 'tree' })).toEqual(fine)
  await expect(stat(join(workspace, 'tree'))).rejects.toThrow('ENOENT')
  expect(await run({ op: 'rmdir', path: '.' })).toEqual(fine)
  await expect(stat(workspace)).rejects.toThrow('ENOENT')
})

test('nothing outside of the workspace is touched by a relative path', async () => {
  const { baseDir, run } = await start()
  for (const path of ['..', '../..', '../../..', 'x/../../1']) {
    expect(await run({ op: 'rmdir', path })).toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('leads out'),
    })
  }
  expect(await run({ op: 'rmfile', path: '../../.rouse/lock' })).toMatchObject({ exitCode: 1 })
  expect((await stat(join(baseDir, '.rouse/lock'))).isFile()).toBe(true)
})

test('an absolute path is taken as it is', async () => {
  const { baseDir, run } = await start()
  await writeFile(join(baseDir, 'note'), 'x')
  expect(await run({ op: 'rmfile', path: join(baseDir, 'note') })).toEqual(fine)
  await expect(stat(join(baseDir, 'note'))).rejects.toThrow('ENOENT')
})

test('removing a file that is not there fails with a message', async () => {
  const { put, run } = await start()
  await put('file')
  expect(await run({ op: 'rmfile', path: 'file' })).toEqual(fine)
  expect(await run({ op: 'rmfile', path: 'file' })).toMatchObject({
    exitCode: 1,
    message: expect.stringContaining('ENOENT'),
  })
})

test('folders are copied with links, modes and times', async () => {
  const { put, run, workspace } = await start()
  await put('from/sub/run.sh', '#!/bin/sh\n')
  await chmod(join(workspace, 'from/sub/run.sh'), 0o750)
  await symlink('sub/run.sh', join(workspace, 'from/link'))
  expect(await run({ op: 'cpdir', from: 'from', to: 'deep/to' })).toEqual(fine)
  const [before, after] = await Promise.all([
    stat(join(workspace, 'from/sub/run.sh')),
    stat(join(workspace, 'deep/to/sub/run.sh')),
  ])
  expect(after.mode).toBe(before.mode)
  expect(Math.round(after.mtimeMs / 1000)).toBe(Math.round(before.mtimeMs / 1000))
  expect((await lstat(join(workspace, 'deep/to/link'))).isSymbolicLink()).toBe(true)
  expect(await readFile(join(workspace, 'deep/to/link'), 'utf8')).toBe('#!/bin/sh\n')
  expect(await run({ op: 'cpdir', from: 'absent', to: 'x' })).toMatchObject({ exitCode: 1 })
})

test('stat tells type, size, mode and time', async () => {
  const { put, run, workspace } = await start()
  await put('file', 'hello')
  await chmod(join(workspace, 'file'), 0o640)
  const { mtimeMs } = await stat(join(workspace, 'file'))
  expect(await run({ op: 'stat', path: 'file' })).toEqual({
    ...fine,
    data: { type: 'file', size: 5, mode: 0o640, mtimeMs: Math.round(mtimeMs) },
  })
  expect(await run({ op: 'stat', path: '.' })).toMatchObject({ data: { type: 'directory' } })
  expect(await run({ op: 'stat', path: 'absent' })).toMatchObject({
    exitCode: 1,
    message: expect.stringContaining('ENOENT'),
  })
})

test('a folder is listed in order, and a list that is too long is cut and says so', async () => {
  const { put, run } = await start()
  for (const name of ['b', 'a/x', '.hidden']) await put(`dir/${name}`)
  expect(await run({ op: 'listdir', path: 'dir' })).toEqual({ ...fine, data: ['.hidden', 'a', 'b'] })
  await put('many/0')
  expect(
    await run({
      op: 'shell',
      command: 'cd many && seq 1 10050 | xargs touch',
      workdir: '.',
      env: {},
      timeout: 0,
      maxTime: 0,
      grace: 0,
    }),
  ).toEqual(fine)
  const { data, message } = await run({ op: 'listdir', path: 'many' })
  expect(data).toHaveLength(10_000)
  expect(message).toContain('cut after 10000 entries')
})

test.each([
  ['*.c', ['main.c']],
  ['*', ['lib', 'main.c', 'notes.txt', 'src']],
  ['**/*.c', ['lib/deep/er/d.c', 'lib/l.c', 'main.c', 'src/a.c', 'src/b.c']],
  ['lib/**', ['lib/deep', 'lib/deep/er', 'lib/deep/er/d.c', 'lib/l.c']],
  ['src/[ab].{c,h}', ['src/a.c', 'src/a.h', 'src/b.c']],
  ['src/[!a].c', ['src/b.c']],
  ['s?c/a.*', ['src/a.c', 'src/a.h']],
  ['src/a.c', ['src/a.c']],
  ['.*', ['.config']],
  ['none/*', []],
  ['src/a.c/*', []],
  ['{src,lib}/../main.c', ['main.c']],
])('the pattern %s finds %j', async (pattern, expected) => {
  const { put, run, workspace } = await start()
  for (const path of [
    'main.c',
    'notes.txt',
    '.config',
    'src/a.c',
    'src/a.h',
    'src/b.c',
    'lib/l.c',
    'lib/deep/er/d.c',
  ])
    await put(path)
  await symlink('..', join(workspace, 'lib/deep/up'))
  const { data, ...rest } = await run({ op: 'glob', pattern })
  expect((data as string[]).filter((path) => !path.endsWith('/up'))).toEqual(expected)
  expect(rest).toEqual(fine)
})

test('an absolute pattern gives absolute paths, and one that leads out or explodes is refused', async () => {
  const { put, run, workspace } = await start()
  await put('a.c')
  expect(await run({ op: 'glob', pattern: `${workspace}/*.c` })).toEqual({
    ...fine,
    data: [join(workspace, 'a.c')],
  })
  expect(await run({ op: 'glob', pattern: '../*' })).toMatchObject({ exitCode: 1 })
  expect(await run({ op: 'glob', pattern: '{a,b}'.repeat(20) })).toMatchObject({
    exitCode: 1,
    message: expect.stringContaining('too many choices'),
  })
})
