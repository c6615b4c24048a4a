import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const isThere = spawnSync('git', ['lfs', 'version']).status === 0

test(
  'git fetches the files of Git LFS when it is asked to, also those of another revision, and else leaves pointers',
  { timeout: 60_000 },
  async ({ skip }) => {
    if (!isThere) skip('needs git-lfs')
    const repo = await repository(join(await tempDir(), 'app'), ['first content', 'second content'])
    const master = await startMaster({
      config: `
const { defineMaster, git, localWorker, shell } = rouse
const repo = ${JSON.stringify(repo)}
// A machine may have LFS on for everybody.
const env = { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' }
const build = (name, options) => ({ name, env, workers: ['local-1'], steps: [git({ retry: { count: 0 }, ...options }), shell('cat large.bin; git status --short')] })
export default defineMaster({
  listen,
  workers: [localWorker('local-1')],
  builders: [
    build('path', { repo, lfs: true }),
    build('url', { repo: 'file://' + repo, lfs: true, depth: 1 }),
    build('pointers', { repo }),
  ],
})`,
    })
    const contentOf = async (builder: string, body: object = {}) => {
      const { id, result, text } = await runBuild(master, builder, body)
      expect(result, text).toBe('SUCCESS')
      return (await master.logText(id, 'stdout')).trimEnd()
    }
    const first = git(repo, 'rev-parse', 'HEAD~1').trim()
    expect(await contentOf('path')).toMatch(/second content$/)
    expect(await contentOf('path', { revision: first })).toMatch(/first content$/)
    expect(await contentOf('url')).toMatch(/second content$/)
    expect(await contentOf('pointers')).toMatch(/version https:\/\/git-lfs[^]*size 14$/)
  },
)

/** With one commit per content of large.bin, which LFS holds. */
async function repository(path: string, contents: readonly string[]): Promise<string> {
  await mkdir(path)
  git(path, 'init', '--quiet', '--initial-branch=main')
  git(path, 'lfs', 'install', '--local')
  git(path, 'lfs', 'track', '*.bin')
  for (const content of contents) {
    await writeFile(join(path, 'large.bin'), content)
    git(path, 'add', '.')
    git(path, 'commit', '--quiet', '-m', content)
  }
  return path
}

function git(cwd: string, ...args: string[]): string {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org']
  return execFileSync('git', [...who, ...args], { cwd, encoding: 'utf8' })
}
