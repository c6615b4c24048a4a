import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { repositoryName, repositoryOf } from '../../../src/reporters/status/repository-of.ts'
import { bitbucketCloudHost } from '../../../src/reporters/status/bitbucket-cloud-host.ts'
import { bitbucketServerHost } from '../../../src/reporters/status/bitbucket-server-host.ts'
import { giteaHost } from '../../../src/reporters/status/gitea-status.ts'
import { githubHost } from '../../../src/reporters/status/github-status.ts'
import { gitlabHost } from '../../../src/reporters/status/gitlab-status.ts'

const github = githubHost('https://github.com/')
const gitlab = gitlabHost('https://gitlab.com')
const gitea = giteaHost('https://acme.example:3000/git/')
const bitbucket = bitbucketServerHost('https://bb.acme.example/bitbucket')

describe('the repository is read off every address that git takes', () => {
  test.each([
    ['https://github.com/acme/app.git', 'acme/app'],
    ['https://github.com/acme/app', 'acme/app'],
    ['https://github.com/acme/app/', 'acme/app'],
    ['https://github.com:443/acme/app.git', 'acme/app'],
    ['http://github.com/acme/app.git', 'acme/app'],
    ['https://GitHub.com/Acme/App.git', 'Acme/App'],
    ['HTTPS://github.com/acme/app', 'acme/app'],
    ['https://x-access-token:ghp_secret@github.com/acme/app.git', 'acme/app'],
    ['git@github.com:acme/app.git', 'acme/app'],
    ['github.com:acme/app', 'acme/app'],
    ['git@github.com:/acme/app.git', 'acme/app'],
    ['org-123@github.com:acme/app.git', 'acme/app'],
    ['ssh://git@github.com/acme/app.git', 'acme/app'],
    ['ssh://git@github.com:22/acme/app.git', 'acme/app'],
    ['ssh://git@ssh.github.com:443/acme/app.git', 'acme/app'],
    ['git://github.com/acme/app.git', 'acme/app'],
    ['git+ssh://git@github.com/acme/app.git', 'acme/app'],
    ['https://github.com/acme/app.git.git', 'acme/app.git'],
    ['https://github.com/acme/.github', 'acme/.github'],
    ['https://github.com/acme/a.b_c-d', 'acme/a.b_c-d'],
  ])('GitHub: %s', (address, name) => {
    expect(repositoryOf(address, github)).toBe(name)
  })

  test.each([
    ['https://gitlab.com/group/app.git', 'group/app'],
    ['https://gitlab.com/group/sub/subsub/app.git', 'group/sub/subsub/app'],
    ['git@gitlab.com:group/sub/app.git', 'group/sub/app'],
    ['ssh://git@altssh.gitlab.com:443/group/app.git', 'group/app'],
  ])('GitLab: %s', (address, name) => {
    expect(repositoryOf(address, gitlab)).toBe(name)
  })

  test.each([
    ['https://acme.example:3000/git/bob/app.git', 'bob/app'],
    ['ssh://git@acme.example:2222/bob/app.git', 'bob/app'],
    ['git@acme.example:bob/app.git', 'bob/app'],
  ])('Gitea below a path: %s', (address, name) => {
    expect(repositoryOf(address, gitea)).toBe(name)
  })

  test.each([
    ['https://bb.acme.example/bitbucket/scm/PROJ/app.git', 'PROJ/app'],
    ['https://bb.acme.example/bitbucket/scm/~bob/app.git', '~bob/app'],
    ['ssh://git@bb.acme.example:7999/PROJ/app.git', 'PROJ/app'],
    ['ssh://git@bb.acme.example:7999/~bob/app.git', '~bob/app'],
  ])('Bitbucket Data Center: %s', (address, name) => {
    expect(repositoryOf(address, bitbucket)).toBe(name)
  })

  test('Bitbucket Cloud', () => {
    const cloud = bitbucketCloudHost()
    expect(repositoryOf('https://bob@bitbucket.org/acme/app.git', cloud)).toBe('acme/app')
    expect(repositoryOf('git@bitbucket.org:acme/app.git', cloud)).toBe('acme/app')
  })
})

test.each([
  '',
  'app',
  '/srv/git/app.git',
  './app',
  'C:/acme/app',
  'file:///acme/app',
  'https://github.com',
  'https://github.com/',
  'https://github.com/acme',
  'https://github.com/acme/',
  'https://github.com/acme/app/tree/main',
  'https://github.com//acme/app',
  'https://github.com/acme//app',
  'https://github.com:444/acme/app',
  'https://github.com:80/acme/app',
  'https://gist.github.com/acme/app',
  'https://github.com.evil.example/acme/app',
  'https://evil.example/github.com/acme/app',
  'https://github.com@evil.example/acme/app',
  'https://github.com:x@evil.example/acme/app',
  'https://evil.example\\@github.com/acme/app',
  'https://a@b@github.com/acme/app',
  'https://evil.example?@github.com/acme/app',
  'https://evil.example#@github.com/acme/app',
  'https://github.com/acme/..',
  'https://github.com/../app',
  'https://github.com/acme/../../other',
  'https://github.com/acme/app?x=1',
  'https://github.com/acme/app#x',
  'https://github.com/acme/a%2Fb',
  'https://github.com/acme/%2e%2e',
  'https://github.com/acme/app\n',
  ' https://github.com/acme/app',
  'https://github.com/acme/ap p',
  'https://github.com/acme/äpp',
  'git@github.com:22:acme/app',
  'git@evil.example:acme/app',
  'git@github.com:acme/app/more',
  'ext::sh -c github.com:acme/app',
  'ftp://github.com/acme/app',
  `https://github.com/acme/${'a'.repeat(3000)}`,
])('an address of somewhere else is left alone: %j', (address) => {
  expect(repositoryOf(address, github)).toBeUndefined()
})

test('pages of GitLab are no repositories', () => {
  expect(repositoryOf('https://gitlab.com/group/app/-/tree/main', gitlab)).toBeUndefined()
})

test('a repository beside the path of the host is none of it', () => {
  expect(repositoryOf('https://acme.example:3000/bob/app.git', gitea)).toBeUndefined()
  expect(repositoryOf('https://acme.example:3000/gitbob/app.git', gitea)).toBeUndefined()
  expect(repositoryOf('https://acme.example/git/bob/app.git', gitea)).toBeUndefined()
})

test('whatever the address, a status goes to a repository of the host and nowhere else', () => {
  const piece = fc.oneof(
    fc.constantFrom('https://', 'ssh://', 'git@', 'github.com', 'gitlab.com', 'evil.example', ':', '/', '//'),
    fc.constantFrom(
      '..',
      '.',
      '@',
      '\\',
      '%2f',
      '?',
      '#',
      '.git',
      'acme',
      'app',
      '~',
      ':443',
      '\0',
      ' ',
      '-',
    ),
    fc.string({ unit: 'binary', maxLength: 6 }),
  )
  const address = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(address, (text) => {
      for (const host of [github, gitlab, gitea, bitbucket]) {
        const name = repositoryOf(text, host)
        if (name === undefined) continue
        const { path } = host.post({
          repository: name,
          revision: 'a'.repeat(40),
          state: 'success',
          context: 'c',
          description: 'd',
          url: 'u',
          branch: null,
        })
        const url = new URL(host.api + path)
        // What is asked is what was written: nothing of it was taken for a part of another address.
        expect(url.href).toBe(host.api + path)
        expect(url.origin).toBe(new URL(host.api).origin)
        expect(text.toLowerCase()).toContain(name.toLowerCase())
        if (/^https?:/i.test(text)) expect(new URL(text).hostname).toBe(host.web.hostname)
      }
    }),
    { numRuns: 3000 },
  )
})

test('every plain name comes back from every form of its address', () => {
  const letters = 'abcxyzABC019_-.'.split('')
  const part = fc
    .string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 30 })
    .filter((name) => !/^\.+$|^-$|\.git$/.test(name))
  fc.assert(
    fc.property(part, part, (owner, name) => {
      const repository = `${owner}/${name}`
      for (const start of [
        'https://github.com/',
        'ssh://git@github.com:22/',
        'git@github.com:',
        'https://u:p@github.com/',
      ])
        for (const end of ['', '.git'])
          expect(repositoryOf(`${start}${repository}${end}`, github)).toBe(repository)
    }),
  )
})

test.each([
  ['acme/app', 'acme/app'],
  ['acme/app.git', 'acme/app'],
  ['acme', undefined],
  ['acme/app/more', undefined],
  ['https://github.com/acme/app', undefined],
  ['../app', undefined],
])('a repository is named by its owner and its name: %s', (text, name) => {
  expect(repositoryName(text, {})).toBe(name)
})
