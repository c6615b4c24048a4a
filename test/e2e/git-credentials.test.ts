import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findLeaks } from '../helpers/find-leaks.ts'
import { serveGit } from '../helpers/git-http-server.ts'
import { GitRepo } from '../helpers/git-repo.ts'
import { runBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { watchProcesses } from '../helpers/watch-processes.ts'

const password = 'gl-Pa55/word+"\'$HOME;é'
const head = `const { defineMaster, staticWorker, secret, git, shell } = rouse
const retry = { count: 1, delay: '100ms' }
const show = shell('git log -1 --format="at %s"; cat large.bin 2>/dev/null; cat sub/file', { name: 'show' })`

test('git checks out with a password that no process list, file, log or other host ever sees', async () => {
  const [home, root, elsewhere] = [await tempDir(), await tempDir(), await tempDir()]
  // A helper of the worker's own that would store every password.
  await writeFile(join(home, '.gitconfig'), '[credential]\n\thelper = store\n')
  const [ours, theirs] = [await serveGit(root, `ci:${password}`), await serveGit(elsewhere, `ci:${password}`)]
  const inner = await GitRepo.create(join(root, 'inner'))
  await inner.commit('inside')
  const outer = await GitRepo.create(join(root, 'outer'))
  const first = await outer.commit('first')
  await outer.git('branch', 'plain')
  await addSubmodule(outer, inner, `${ours.url}/inner/.git`)
  await outer.git('switch', '--quiet', '--create', 'foreign')
  await addSubmodule(outer, inner, `${theirs.url}/inner/.git`, 'foreign')
  await outer.git('switch', '--quiet', '--create', 'large', 'main')
  await outer.commit('*.bin filter=lfs diff=lfs merge=lfs -text', '.gitattributes')
  await outer.commit(await storeLarge(root, 'kept by Git LFS\n'), 'large.bin')
  await outer.git('switch', '--quiet', 'main')

  const values = [password]
  const dir = await secrets({ GIT_TOKEN: password, WRONG: 'wr0ng-password', BOT: 'b0t' })
  const master = await startMaster({
    config: `${head}
const repo = ${JSON.stringify(`${ours.url}/outer/.git`)}
const credentials = { username: (p) => p.get('user', 'ci'), password: secret('GIT_TOKEN') }
const common = { workers: ['bot'] }
export default defineMaster({
  listen, secretsDir: process.env.SECRETS,
  workers: [staticWorker('bot', { password: secret('BOT'), env: { HOME: ${JSON.stringify(home)} } })],
  builders: [
    { name: 'whole', ...common, steps: [git({ repo, retry, credentials, submodules: true, lfs: true }), show] },
    { name: 'shallow', ...common, steps: [git({ repo, retry, credentials, submodules: true, depth: 1 }), show] },
    { name: 'inUrl', ...common, steps: [git({ repo: repo.replace('//', '//ci@'), retry, credentials: { password: secret('GIT_TOKEN') } }), shell('git config --list') ] },
    { name: 'wrong', ...common, steps: [git({ repo, retry, credentials: { password: secret('WRONG') } })] },
    { name: 'local', ...common, steps: [git({ repo: () => '/nowhere', retry, credentials })] },
  ],
})`,
    env: { SECRETS: dir },
  })
  const { baseDir } = await master.agent('bot', 'b0t')
  const watched = watchProcesses(values, 'ROUSE_COMMAND_ID=')
  const build = async (builder: string, body: object = {}) => {
    const { result, text } = await runBuild(master, builder, body)
    return `${result} ${/^at .*\n.*$/m.exec(text)?.[0].replace('\n', ', ')}`
  }

  expect(await build('whole')).toBe('SUCCESS at submodule, inside')
  expect(await build('whole', { revision: first })).toMatch(/^FAILURE at first/)
  expect(await build('whole', { branch: 'plain' })).toMatch(/^FAILURE at first/)
  expect(await build('shallow')).toBe('SUCCESS at submodule, inside')
  expect(await build('shallow', { revision: first })).toMatch(/^FAILURE at first/)
  expect((await runBuild(master, 'whole', { branch: 'no-such' })).steps[0]!.summary).toBe(
    'the repository has no branch or tag no-such',
  )
  if (spawnSync('git', ['lfs', 'version']).status === 0)
    expect(await build('whole', { branch: 'large' })).toMatch(/, kept by Git LFS$/)
  const inUrl = await runBuild(master, 'inUrl')
  expect(inUrl.result, inUrl.text).toBe('SUCCESS')
  expect(inUrl.text).not.toContain(`credential.${ours.url}`)
  // With a name in the URL git first tries without a password.
  expect(new Set(ours.asked)).toEqual(new Set([undefined, 'ci:', `ci:${password}`]))

  // The other host asks for a password, and gets none.
  expect(await build('whole', { branch: 'foreign' })).toMatch(/^FAILURE/)
  expect(theirs.asked.length).toBeGreaterThan(0)
  expect(new Set(theirs.asked)).toEqual(new Set([undefined]))

  const wrong = await runBuild(master, 'wrong')
  expect(wrong.results).toEqual(['git FAILURE'])
  expect(wrong.text).toContain('Authentication failed')
  expect((await runBuild(master, 'local')).steps[0]!.summary).toBe(
    'the credentials need a repository at http:// or https://',
  )

  const { leaks, seen } = await watched.end()
  expect(leaks).toEqual([])
  expect([...seen].filter((name) => name.includes('git-remote-http'))).not.toEqual([])
  expect(existsSync(join(home, '.git-credentials'))).toBe(false)
  expect(await findLeaks(master, [baseDir, home], [...values, 'wr0ng-password'])).toEqual([])
}, 120_000)

test('git reaches ssh with a key that is in no file when ssh has it, and with the hosts that are trusted', async () => {
  const key =
    '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n-----END OPENSSH PRIVATE KEY-----'
  const [bin, records, temp] = [await tempDir(), await tempDir(), await tempDir()]
  const repo = await GitRepo.create(join(await tempDir(), 'app'))
  await repo.commit('first')
  await writeFile(join(bin, 'ssh'), fakeSsh)
  await chmod(join(bin, 'ssh'), 0o755)
  const master = await startMaster({
    config: `${head}
const repo = ${JSON.stringify(`ssh://git@git.example/${repo.dir}`)}
const env = { PATH: ${JSON.stringify(`${bin}:${process.env.PATH}`)}, RECORDS: ${JSON.stringify(records)}, TMPDIR: ${JSON.stringify(temp)}, XDG_RUNTIME_DIR: ${JSON.stringify(temp)} }
const sshKey = secret('DEPLOY_KEY')
export default defineMaster({
  listen, secretsDir: process.env.SECRETS,
  workers: [staticWorker('bot', { password: secret('BOT'), env })],
  builders: [
    { name: 'trusting', workers: ['bot'], steps: [git({ repo, retry, sshKey })] },
    { name: 'strict', workers: ['bot'], steps: [git({ repo, retry, sshKey, depth: 1, knownHosts: 'git.example ssh-ed25519 AAAAC3' })] },
  ],
})`,
    env: { SECRETS: await secrets({ DEPLOY_KEY: key, BOT: 'b0t' }) },
  })
  const { baseDir } = await master.agent('bot', 'b0t')
  const watched = watchProcesses(key.split('\n').slice(1, 2), 'ROUSE_COMMAND_ID=')
  const recorded = (name: string) => readFile(join(records, name), 'utf8')

  const { result, text } = await runBuild(master, 'trusting')
  expect(result, text).toBe('SUCCESS')
  expect(await recorded('arguments')).toMatch(
    /^-i \S+ -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes .*git@git\.example git-upload-pack/,
  )
  expect(await recorded('key')).toBe(`${key}\n`)
  expect(await recorded('mode')).toBe('600\n')
  expect(await recorded('environment')).not.toMatch(/^ROUSE_GIT_SSH_KEY=/m)
  if (process.platform === 'linux') expect(await recorded('link')).toMatch(/ \(deleted\)\n$/)

  const strict = await runBuild(master, 'strict')
  expect(strict.result, strict.text).toBe('SUCCESS')
  expect(await recorded('arguments')).toMatch(/GlobalKnownHostsFile=\/dev\/null -o StrictHostKeyChecking=yes/)
  expect(await recorded('hosts')).toBe('git.example ssh-ed25519 AAAAC3\n')

  const { leaks } = await watched.end()
  expect(leaks).toEqual([])
  expect(await readdir(temp)).toEqual([])
  expect(await findLeaks(master, [baseDir], key.split('\n').slice(1, 2))).toEqual([])
})

/** Writes down what it is given, and runs what it is asked for on this machine. */
const fakeSsh = `#!/bin/sh
cd "$RECORDS" && echo "$*" > arguments && env > environment
while :; do
  case "$1" in
    -i) cat "$2" > key; stat -L -c %a "$2" > mode; readlink "$2" > link; shift 2 ;;
    -o) case "$2" in UserKnownHostsFile=*) f=\${2#*=}; eval "cat $f" > hosts ;; esac; shift 2 ;;
    *) break ;;
  esac
done
shift
exec sh -c "$*"
`

/** Stores a file as a server of Git LFS does; the pointer to it. */
async function storeLarge(root: string, content: string): Promise<string> {
  const oid = createHash('sha256').update(content).digest('hex')
  await mkdir(join(root, 'lfs'))
  await writeFile(join(root, 'lfs', oid), content)
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}`
}

async function addSubmodule(repo: GitRepo, from: GitRepo, url: string, path = 'sub'): Promise<void> {
  await repo.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', from.dir, path)
  await repo.git('config', '--file', '.gitmodules', `submodule.${path}.url`, url)
  await repo.git('add', '.gitmodules')
  await repo.git('commit', '--quiet', '--message', path === 'sub' ? 'submodule' : path)
}

/** A folder with these secrets, outside of all that is searched. */
async function secrets(byName: Record<string, string>): Promise<string> {
  const dir = join(await tempDir(), 'secrets')
  await mkdir(dir)
  for (const [name, value] of Object.entries(byName)) await writeFile(join(dir, name), value)
  return dir
}
