import { execFileSync } from 'node:child_process'
import { closeSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openInput } from '../../../src/agent/supervisor/open-input.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test("a command's input is read from its beginning, and has no name", async () => {
  const dir = await tempDir()
  const input = openInput(join(dir, 'input'), 'the input\n')
  onTestFinished(() => closeSync(input))
  expect(await readdir(dir)).toEqual([])
  expect(readFileSync(input, 'utf8')).toBe('the input\n')
})

test('input that the disk has no room for leaves nothing behind', async ({ skip }) => {
  if (process.getuid?.() !== 0) skip('needs root, to mount a small file system')
  const dir = await tempDir()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir], { stdio: 'pipe' })
  } catch (error) {
    skip(`cannot mount a tmpfs: ${String((error as { stderr?: unknown }).stderr).trim()}`)
  }
  onTestFinished(() => void execFileSync('umount', ['-l', dir]))
  expect(() => openInput(join(dir, 'input'), 'secret '.repeat(100_000))).toThrow('ENOSPC')
  expect(await readdir(dir)).toEqual([])
})
