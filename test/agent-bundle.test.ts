import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { openAgentBundle } from '../src/agent-bundle.ts'
import { tempDir } from './helpers/temp-dir.ts'

test('the agents of earlier masters are removed from the data folder after a day', async () => {
  const dataDir = await tempDir()
  const folder = join(dataDir, 'agent')
  await mkdir(folder)
  const [old, half, young] = [`${'a'.repeat(64)}.mjs`, `${'b'.repeat(64)}.mjs.draft`, `${'c'.repeat(64)}.mjs`]
  for (const name of [old, half, young, 'notes.txt']) await writeFile(join(folder, name), '')
  const before = new Date(Date.now() - 25 * 3_600_000)
  for (const name of [old, half, 'notes.txt']) await utimes(join(folder, name), before, before)
  const current = await openAgentBundle({ dataDir })()
  await utimes(current.file, before, before)
  const again = await openAgentBundle({ dataDir })()
  expect(again.file).toBe(current.file)
  expect(await readFile(again.file)).toEqual(again.bytes)
  expect(new Set(await readdir(folder))).toEqual(new Set([basename(again.file), young, 'notes.txt']))
})
