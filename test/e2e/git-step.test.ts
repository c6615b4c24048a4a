import { existsSync } from 'node:fs'
import { readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { GitRepo } from '../helpers/git-repo.ts'
import { endOf, runBuild, startBuild, type EndedBuild } from '../helpers/run-build.ts'
import { serveFolder } from '../helpers/serve-folder.ts'
import { sharedMaster } from '../helpers/shared-master.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = await readFile(new URL('./git-step.config.ts', import.meta.url), 'utf8')
const master = sharedMaster({ config, whole: true }, (started) => started.agent('bot', 'b0t'))

let repo: GitRepo
let first: string
beforeEach(async () => {
  repo = await GitRepo.create(join(await tempDir(), 'app'))
  first = await repo.commit('first')
})

const build = (builder: string, body: object = {}, url = repo.dir) =>
  runBuild(master(), builder, { ...body, properties: { repo: url } })
const inWorkspace = (builder: string, ...path: string[]) =>
  join(master().dir, `agent-bot/${builder}/0`, ...path)

/** What a build is at: 'SUCCESS, at SUBJECT OF COMMIT'. */
const shown = ({ result, text }: EndedBuild) => [result, /^at .*$/m.exec(text)?.[0]].join(', ')

describe('what is checked out', () => {
  test('the default branch, whatever it is called, when nobody says otherwise', async () => {
    expect(shown(await build('plain'))).toBe('SUCCESS, at first')
    await repo.git('switch', '--quiet', '--create', 'trunk')
    await repo.commit('on trunk')
    expect(shown(await build('plain'))).toBe('SUCCESS, at on trunk')
  })

  test("the build's branch, else that of the step, a tag too", async () => {
    await repo.git('switch', '--quiet', '--create', 'dev')
    await repo.commit('on dev')
    await repo.git('tag', '--annotate', '--message', 'release', 'v1.0')
    await repo.git('switch', '--quiet', '--create', 'feature/x+y')
    await repo.commit('on feature')
    await repo.git('switch', '--quiet', 'main')
    expect(shown(await build('ofBranch'))).toBe('SUCCESS, at on dev')
    expect(shown(await build('ofBranch', { branch: 'main' }))).toBe('SUCCESS, at first')
    expect(shown(await build('ofBranch', { branch: 'feature/x+y' }))).toBe('SUCCESS, at on feature')
    expect(shown(await build('ofBranch', { branch: 'v1.0' }))).toBe('SUCCESS, at on dev')
  })

  test('the revision before all else: whole, in short, as a name, and on no branch at all', async () => {
    const second = await repo.commit('second')
    expect(shown(await build('plain', { revision: first }))).toBe('SUCCESS, at first')
    expect(shown(await build('plain', { revision: second.slice(0, 8), branch: 'main' }))).toBe(
      'SUCCESS, at second',
    )
    await repo.git('switch', '--quiet', '--detach')
    const proposed = await repo.commit('proposed')
    await repo.git('update-ref', 'refs/pull/7/head', proposed)
    await repo.git('switch', '--quiet', 'main')
    expect(shown(await build('plain', { revision: proposed }))).toBe('SUCCESS, at proposed')
    await repo.commit('third')
    expect(shown(await build('plain', { revision: 'refs/pull/7/head' }))).toBe('SUCCESS, at proposed')
    expect(shown(await build('plain', { revision: 'main' }))).toBe('SUCCESS, at third')
    expect(shown(await build('plain', { revision: 'HEAD' }))).toBe('SUCCESS, at third')
  })

  test('a revision that came with a branch pushed later', async () => {
    await build('plain')
    await repo.git('switch', '--quiet', '--create', 'later')
    const later = await repo.commit('pushed later')
    await repo.commit('and one more')
    await repo.git('switch', '--quiet', 'main')
    expect(shown(await build('plain', { revision: later }))).toBe('SUCCESS, at pushed later')
  })

  test('what is new since the last build, also when the branch was rewritten', async () => {
    const one = await build('property')
    expect(one).toMatchObject({
      properties: { got_revision: first },
      steps: [{ summary: first.slice(0, 12) }, {}],
    })
    expect(one.text).toContain(`got ${first}\n`)
    const second = await repo.commit('second')
    expect((await build('property')).properties).toMatchObject({ got_revision: second })
    await repo.git('reset', '--quiet', '--hard', first)
    const rewritten = await repo.commit('rewritten', 'other')
    expect((await build('property')).properties).toMatchObject({ got_revision: rewritten })
    expect((await readdir(inWorkspace('property'))).toSorted()).toEqual(['.git', 'file', 'other'])
  })

  test('into the working directory of the step', async () => {
    expect(shown(await build('below'))).toBe('SUCCESS, at first')
    expect(existsSync(inWorkspace('below', 'deep/src/.git'))).toBe(true)
    expect(existsSync(inWorkspace('below', '.git'))).toBe(false)
  })

  test.each([
    ['all', ['.gitignore', 'file']],
    ['untracked', ['.gitignore', 'file', 'ignored.o']],
    ['none', ['.gitignore', 'file', 'ignored.o', 'untracked']],
  ])('clean: %s leaves %j of the last build, and never what it changed', async (builder, left) => {
    await repo.commit('*.o', '.gitignore')
    await build(builder)
    await repo.commit('newer')
    const { result, text } = await build(builder)
    expect(result).toBe('SUCCESS')
    const listed = text.slice(text.lastIndexOf('$ ls;')).split('\n')
    expect(listed.filter((line) => /^(file|untracked|ignored\.o)$/.test(line)).toSorted()).toEqual(
      left.filter((name) => name !== '.gitignore').toSorted(),
    )
    expect(text).toContain(await repo.git('rev-parse', 'HEAD'))
  })
})

describe('what is refused', () => {
  test.each([
    ['branch', 'nope', 'the repository has no branch or tag nope'],
    ['branch', 'refs/heads/nope', 'the repository has no branch or tag refs/heads/nope'],
    [
      'revision',
      '0123456789abcdef0123456789abcdef01234567',
      'the repository has no revision 0123456789abcdef0123456789abcdef01234567',
    ],
    ['revision', 'nope', 'the repository has no revision nope'],
  ])('a %s %j that is not there fails at once', async (what, name, summary) => {
    const { steps, summary: ofBuild, text } = await build('patient', { [what]: name })
    expect(steps[0]).toMatchObject({ result: 'FAILURE', summary })
    expect(ofBuild).toBe(`git: ${summary}`)
    expect(text).not.toContain('tried again')
  })

  test('an empty repository says that it is empty', async () => {
    const empty = await GitRepo.create(join(await tempDir(), 'empty'))
    expect(await build('plain', {}, empty.dir)).toMatchObject({
      result: 'FAILURE',
      summary: 'git: the repository has no default branch: is it empty?',
    })
  })

  test.each([
    '--upload-pack=touch pwned',
    '-v',
    'a..b',
    'x:y',
    '+main:refs/heads/evil',
    'main\n--upload-pack=touch pwned',
    'main --upload-pack=touch pwned',
    '^main',
    'main~1',
    'a@{1}',
    'back\\slash',
    'star*',
  ])('%j is no name of a branch or revision, and nothing is run', async (name) => {
    for (const what of ['branch', 'revision']) {
      const { result, results, steps, text } = await build('plain', { [what]: name })
      expect({ result, results }).toEqual({ result: 'FAILURE', results: ['git FAILURE', 'show SKIPPED'] })
      expect(steps[0]!.summary).toBe(`not a ${what}: ${JSON.stringify(name)}`)
      expect(text).toBe('')
    }
    expect(existsSync(inWorkspace('plain', 'pwned'))).toBe(false)
  })

  test.each(['--upload-pack=touch pwned', '', 'a\nb'])('%j is no repository', async (url) => {
    expect(await build('plain', {}, url)).toMatchObject({ result: 'FAILURE', text: '' })
  })

  test('a repository that would run a command does not', async () => {
    const { result } = await build('plain', {}, `ext::sh -c touch% ${inWorkspace('plain', 'pwned')}`)
    expect(result).toBe('FAILURE')
    expect(existsSync(inWorkspace('plain', 'pwned'))).toBe(false)
  })

  test('a worker without git says so, and it is not tried again', async () => {
    expect(await build('withoutGit')).toMatchObject({
      result: 'FAILURE',
      summary: expect.stringMatching(/^git: git init: git: no such program/),
    })
  })
})

describe('what is mended', () => {
  test.each<[string, (git: string) => Promise<unknown>]>([
    ['a HEAD that says nothing', (git) => writeFile(join(git, 'HEAD'), 'garbage\n')],
    ['a config that is no config', (git) => writeFile(join(git, 'config'), '[[[\n')],
    ['a lock that a killed git left', (git) => writeFile(join(git, 'index.lock'), '')],
    ['an index that is cut', (git) => truncate(join(git, 'index'), 20)],
    ['objects that are gone', (git) => rm(join(git, 'objects'), { recursive: true })],
    [
      'a .git that is a file',
      (git) => rm(git, { recursive: true }).then(() => writeFile(git, 'gitdir: /nowhere\n')),
    ],
  ])('%s: the last attempt starts from nothing', async (_, damage) => {
    const around = await GitRepo.create(inWorkspace('plain', '..'))
    onTestFinished(() => rm(join(around.dir, '.git'), { recursive: true }))
    const outer = await around.commit('around')
    await build('plain')
    await repo.commit('second')
    await damage(inWorkspace('plain', '.git'))
    expect(shown(await build('plain'))).toBe('SUCCESS, at second')
    expect(shown(await build('plain'))).toBe('SUCCESS, at second')
    expect(await around.git('rev-parse', 'HEAD')).toBe(outer)
    expect(await readFile(join(around.dir, 'file'), 'utf8')).toBe('around\n')
  })

  test('a repository that is not there yet is waited for', async () => {
    const hidden = `${repo.dir}-hidden`
    await rename(repo.dir, hidden)
    const { request } = await startBuild(master(), 'patient', { properties: { repo: repo.dir } })
    await waitFor('the second attempt', async () => {
      const id = (await master().api(`/requests/${request}`)).buildIds[0]
      return (await master().logText(id)).split('tried again').length > 2
    })
    await rename(hidden, repo.dir)
    expect(shown(await endOf(master(), request))).toBe('SUCCESS, at first')
  })

  test('a server that is overloaded is asked again', async () => {
    await repo.git('update-server-info')
    let refusals = 3
    const url = await serveFolder(repo.dir, { refuse: () => refusals-- > 0 })
    const ended = await build('patient', {}, `${url}/.git`)
    expect(shown(ended)).toBe('SUCCESS, at first')
    expect(ended.text).toContain('503')
    expect(refusals).toBeLessThan(0)
  })

  test('a server that stays away fails the step after the last attempt', async () => {
    const url = await serveFolder(repo.dir, { refuse: () => true })
    const { result, summary, text } = await build('plain', {}, `${url}/.git`)
    expect({ result, summary }).toEqual({ result: 'FAILURE', summary: 'git: git fetch: exit code 128' })
    expect(text.match(/tried again/g)).toHaveLength(1)
  })

  test('a build that is cancelled while it fetches ends, and so does its git', async () => {
    let asked = 0
    let gone = 0
    const url = await serveFolder(repo.dir, {
      hang: (closed) => {
        asked++
        void closed.then(() => gone++)
      },
    })
    const { build: id, request } = await startBuild(master(), 'plain', {
      properties: { repo: `${url}/.git` },
    })
    await waitFor('the fetch', () => asked > 0)
    await master().api(`/builds/${id}/cancel`, { method: 'POST', json: { reason: 'too slow' } })
    expect(await endOf(master(), request)).toMatchObject({
      result: 'CANCELLED',
      summary: 'too slow',
      results: ['git CANCELLED', 'show SKIPPED'],
    })
    await waitFor('its connection to end', () => gone === asked)
    expect(asked).toBe(1)
    expect(shown(await build('plain'))).toBe('SUCCESS, at first')
  })
})
