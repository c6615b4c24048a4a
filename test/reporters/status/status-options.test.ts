import { expect, test } from 'vitest'
import { secret } from '../../../src/model/secret.ts'
import type { ReporterDescription } from '../../../src/reporters/reporter-description.ts'
import { bitbucketStatus } from '../../../src/reporters/status/bitbucket-status.ts'
import { giteaStatus } from '../../../src/reporters/status/gitea-status.ts'
import { githubStatus } from '../../../src/reporters/status/github-status.ts'
import { gitlabStatus } from '../../../src/reporters/status/gitlab-status.ts'

const token = secret('TOKEN')

function mistakesOf(describe: (options: never) => ReporterDescription, options: unknown): readonly string[] {
  const description = describe(options as never)
  return description.mistakes(description.options)
}

test('all mistakes are told at once, each with what would be right', () => {
  const wrong = {
    name: 'a name',
    token: 'ghp_0123456789',
    builders: 'unit',
    baseUrl: 'github.com',
    repository: 7,
    context: '',
    contextt: 'ci',
    endDescription: secret('X'),
  }
  expect(mistakesOf(githubStatus, wrong)).toEqual([
    'name: must be a name of letters, digits, ".", "_" and "-" that begins with a letter, a digit or "_" and has at most 100, got "a name"',
    'builders: must be a list of names of builders, got "unit"',
    "token: must be a secret, such as secret('GITHUB_TOKEN'), got a string",
    'baseUrl: must begin with http:// or https://',
    'repository: must be a string that is not empty, or a function that gives one, got 7',
    'context: must be a string that is not empty, or a function that gives one, got ""',
    'endDescription: must be a string that is not empty, or a function that gives one, got a secret',
    'unknown option "contextt"; did you mean "context"?',
  ])
})

test.each([undefined, null, 7, 'token'])('options that are none: %j', (options) => {
  expect(mistakesOf(gitlabStatus, options)[0]).toMatch(
    /^token: is missing: a secret, such as secret\('GITLAB_TOKEN'\)/,
  )
})

test.each([
  [
    'an address instead of a name',
    { repository: 'https://github.com/acme/app' },
    /^repository: must be 'owner\/name', not an/,
  ],
  ['groups on GitHub', { repository: 'acme/sub/app' }, /^repository: must be 'owner\/name'/],
  [
    'one text for two builders',
    { context: 'ci', builders: ['a', 'b'] },
    /^context: is one text for 2 builders/,
  ],
  [
    'a password in the address',
    { baseUrl: 'https://bob:pw@git.example/' },
    /^baseUrl: cannot hold a user or a password/,
  ],
  ['a query in the address', { baseUrl: 'https://git.example/?a' }, /^baseUrl: must end with the path/],
])('%s', (_what, options, mistake) => {
  const mistakes = mistakesOf(githubStatus, { token, ...options })
  expect(mistakes).toHaveLength(1)
  expect(mistakes[0]).toMatch(mistake)
})

test('Gitea has no address of its own', () => {
  expect(mistakesOf(giteaStatus, { token })).toEqual([
    "baseUrl: is missing: the address of your Gitea or Forgejo, such as 'https://git.example.com/'",
  ])
})

test('groups within groups are right on GitLab, and a user on Bitbucket', () => {
  expect(mistakesOf(gitlabStatus, { token, repository: 'a/b/c' })).toEqual([])
  expect(mistakesOf(bitbucketStatus, { token, user: 'bob' })).toEqual([])
  expect(mistakesOf(githubStatus, { token, user: 'bob' })).toEqual(['unknown option "user"'])
})

test('a description holds its options and neither opens nor shows anything', () => {
  const description = githubStatus({ token, name: 'statuses', builders: ['unit'] })
  expect(description).toMatchObject({
    kind: 'github',
    name: 'statuses',
    options: { token, builders: ['unit'] },
  })
  expect(Object.isFrozen(description)).toBe(true)
  expect(githubStatus({ token }).name).toBe('github')
  const reporter = description.open(description.options, 'statuses')
  expect(reporter.interest).toEqual({
    events: ['request.submitted', 'build.started', 'build.finished', 'request.completed'],
    builders: ['unit'],
  })
})

test('what an overlay lays over the options counts', () => {
  const description = githubStatus({ token })
  expect(description.mistakes({ ...description.options, repository: 'app' })).toHaveLength(1)
})
