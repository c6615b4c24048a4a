import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runNode } from '../../helpers/run-node.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const followedFile = new URL('../../../src/agent/supervisor/followed-file.ts', import.meta.url)

// In a process of its own: what it closes is nobody else's.
test('a followed file that cannot be closed does not make its command fail: the log says so', async () => {
  const dir = await tempDir()
  const script = join(dir, 'script.mjs')
  await writeFile(
    script,
    `import { closeSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { FollowedFile } from '${followedFile.href}'

const path = '${join(dir, 'test.log')}'
let log = ''
const output = { full: false, append: (_, bytes) => (log += bytes), appendHeader: (text) => (log += text) }
const heard = () => {}
const { signal: kill } = new AbortController()
const file = new FollowedFile({ path, workdir: '/', root: '/', output, maxBytes: 1e6, heard, kill })
await file.prepare()
writeFileSync(path, 'one\\n')
await file.read()
const isOurs = (fd) => { try { return readlinkSync('/proc/self/fd/' + fd) === path } catch { return false } }
closeSync(Number(readdirSync('/proc/self/fd').find(isOurs)))
await file.finish()
console.log(log)`,
  )
  const ended = await runNode([script], { cwd: dir })
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('one\n') })
  expect(ended.stdout).toContain('EBADF')
})
