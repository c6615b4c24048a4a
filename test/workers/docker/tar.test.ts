import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { lstat, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { tarStream, type TarEntry } from '../../../workers/docker/tar.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const long = `${'folder-with-a-long-name/'.repeat(12)}ä.txt`

test('tar unpacks what was packed: long names, links, modes, contents of every length', async () => {
  const dir = await tempDir()
  const entries: TarEntry[] = [
    { path: 'empty', type: 'directory', mode: 0o750 },
    { path: 'none', mode: 0o644, content: '' },
    { path: 'block', mode: 0o755, content: Buffer.alloc(512, 'b') },
    { path: long, mode: 0o600, content: 'grüße' },
    { path: 'link', type: 'symlink', mode: 0o777, target: long },
  ]
  await pipeline(tarStream(entries), createWriteStream(join(dir, 'x.tar')))
  await promisify(execFile)('tar', ['-xf', 'x.tar'], { cwd: dir })
  expect((await lstat(join(dir, 'empty'))).mode & 0o777).toBe(0o750)
  expect((await lstat(join(dir, 'block'))).mode & 0o777).toBe(0o755)
  expect(await readFile(join(dir, 'block'), 'utf8')).toBe('b'.repeat(512))
  expect(await readFile(join(dir, 'none'), 'utf8')).toBe('')
  expect(await readFile(join(dir, long), 'utf8')).toBe('grüße')
  expect(await readlink(join(dir, 'link'))).toBe(long)
})

test('a file that changes while it is packed is an error, not a broken archive', async () => {
  async function* shorter() {
    yield Buffer.from('123')
  }
  const packed = tarStream([{ path: 'a', mode: 0o644, size: 10, content: shorter }]).toArray()
  await expect(packed).rejects.toThrow('a changed while it was read')
})
