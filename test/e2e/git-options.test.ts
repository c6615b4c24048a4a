import { execFileSync } from 'node:child_process'
import { chown, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startMaster } from '../helpers/run-master.ts'
import { tempDir } from '../helpers/temp-dir.ts'

test('git checks out shallow, with submodules, and from a repository of another user', async () => {
  const dir = await tempDir()
  const inner = await repository(join(dir, 'inner'), ['inside'])
  const outer = await repository(join(dir, 'outer'), ['one', 'two', 'three'])
  git(outer, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner, 'sub')
  git(outer, 'commit', '--quiet', '-m', 'four')
  const second = git(outer, 'rev-parse', 'HEAD~2').trim()
  // A test that does not run as root finds the repository as its own, which is right too.
  if (process.getuid?.() === 0) await giveAway(outer)
  const master = await startMaster({
    config: `
const { defineMaster, git, localWorker, shell } = rouse
// Local submodules are refused by git unless its user allows them.
const env = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'protocol.file.allow', GIT_CONFIG_VALUE_0: 'always' }
const look = shell('git rev-list --count HEAD; cat file; cat sub/file || true')
export default defineMaster({
  listen,
  workers: [localWorker('local-1')],
  builders: [
    { name: 'shallow', env, workers: ['local-1'], steps: [git({ repo: ${JSON.stringify(outer)}, depth: 1, submodules: true }), look] },
    { name: 'whole', env, workers: ['local-1'], steps: [git({ repo: ${JSON.stringify(outer)} }), look] },
  ],
})`,
  })
  const built = async (builder: string, body: object = {}) => {
    const request = await master.request(await master.force(builder, body))
    const text = await master.logText(request.buildIds[0])
    expect(request.result, text).toBe('SUCCESS')
    return text
  }

  expect(await built('shallow')).toMatch(/\n1\nthree\ninside\n/)
  expect(await built('shallow', { revision: second })).toMatch(/\n1\ntwo\n/)
  expect(await built('shallow', { revision: second.slice(0, 12) })).toMatch(/\n2\ntwo\n/)
  expect(await built('whole')).toMatch(/\n4\nthree\n/)
})

async function repository(path: string, contents: string[]): Promise<string> {
  await mkdir(path)
  git(path, 'init', '--quiet', '--initial-branch=main')
  for (const content of contents) {
    await writeFile(join(path, 'file'), `${content}\n`)
    git(path, 'add', 'file')
    git(path, 'commit', '--quiet', '-m', content)
  }
  return path
}

function git(cwd: string, ...args: string[]): string {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'safe.directory=*']
  return execFileSync('git', [...who, ...args], { cwd, encoding: 'utf8' })
}

async function giveAway(path: string): Promise<void> {
  await chown(path, 12_345, 12_345)
  for (const entry of await readdir(path, { withFileTypes: true, recursive: true }))
    await chown(join(entry.parentPath, entry.name), 12_345, 12_345)
}
