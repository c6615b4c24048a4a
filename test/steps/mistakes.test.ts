import { expect, test } from 'vitest'
import { copyDir, fileExists, makeDir } from '../../src/steps/file-steps.ts'
import { git } from '../../src/steps/git.ts'
import { httpRequest } from '../../src/steps/http-request.ts'
import { masterShell } from '../../src/steps/master-shell.ts'
import { secret } from '../../src/model/secret.ts'
import { setProperty, setPropertyFromCommand } from '../../src/steps/set-property.ts'
import { shell } from '../../src/steps/shell.ts'
import { writeFile } from '../../src/steps/transfer-steps.ts'
import type { Step } from '../../src/steps/step.ts'

const mistakesOf = ({ mistakes = [] }: Step) => mistakes

test('steps tell what is wrong with their options', () => {
  expect(mistakesOf(makeDir(''))).toEqual(['path is missing'])
  expect(mistakesOf(copyDir('a', 7 as never))).toEqual([
    'to: must be a string or a function of the properties, got number',
  ])
  expect(mistakesOf(fileExists('a', { haltOnFailur: true } as never))).toEqual([
    'unknown option "haltOnFailur"; did you mean "haltOnFailure"?',
  ])
  expect(mistakesOf(setProperty('', 'x'))).toEqual(['property: must be the name of a property'])
  expect(mistakesOf(setPropertyFromCommand('x', 'p', { warningPattern: 'w' } as never))).toEqual([
    'unknown option "warningPattern"',
  ])
  expect(mistakesOf(shell('x', { warningPattern: '(' }))).toEqual([
    expect.stringContaining('warningPattern: Invalid regular expression'),
  ])
  expect(mistakesOf(shell('x', { warningPattern: 3 as never }))).toEqual([
    'warningPattern: must be a regular expression or a string with one, got number',
  ])
})

test('the size of a log is a number of bytes that an agent takes', () => {
  expect(mistakesOf(shell('x', { maxLogSize: 1000 }))).toEqual([
    'maxLogSize: must be a number of bytes, at least 1024, got 1000',
  ])
  expect(mistakesOf(shell('x', { maxLogSize: '50MB' as never }))).toEqual([
    'maxLogSize: must be a number of bytes, at least 1024, got "50MB"',
  ])
  expect(mistakesOf(shell('x', { maxLogSize: 1024 }))).toEqual([])
})

test('files to follow have names of their own and paths below the workdir', () => {
  const logFiles = { stdio: 'a', 'a\nb': 'b', 'c.log': '/var/log/c', d: '', e: 'dir/', f: 7 as never }
  expect(mistakesOf(shell('x', { logFiles }))).toEqual([
    'logFiles: "stdio" is the log of what the command prints',
    'logFiles: "a\\nb" is no name of a log: 1 to 100 characters, none of them a control character',
    `logFiles.c.log: must be relative to the command's workdir, got "/var/log/c"`,
    'logFiles.d: the path is empty',
    'logFiles.e: must be a file, not a folder',
    'logFiles.f: must be a string or a function of the properties, got number',
  ])
  expect(mistakesOf(shell('x', { logFiles: { 'test.log': (p) => `${String(p.get('a'))}.log` } }))).toEqual([])
})

test('steps that are right have no mistakes, and names that say what they do', () => {
  const steps = [
    makeDir((p) => String(p.get('dir'))),
    copyDir('from', 'to'),
    setProperty('colour', 'red'),
    shell('make', { warningPattern: /warning:/i }),
  ]
  expect(steps.flatMap(mistakesOf)).toEqual([])
  expect(steps.map(({ name }) => name)).toEqual(['make', 'copy from to', 'set colour', 'make'])
})

test('a secret may stand where its value goes to a command or a request, and nowhere else', () => {
  const token = secret('TOKEN')
  expect(mistakesOf(shell('make', { env: { TOKEN: token }, stdin: token }))).toEqual([])
  expect(mistakesOf(httpRequest('http://x/', { headers: { authorization: token }, body: token }))).toEqual([])
  expect(mistakesOf(masterShell('make', { env: { TOKEN: token } }))).toEqual([])
  expect(mistakesOf(shell(`make ${token as unknown as string}`))).toEqual([
    'the command: a secret cannot be put into a string; make the whole text one secret',
  ])
  expect(mistakesOf(shell('make', { workdir: token as never, env: token as never }))).toEqual([
    'workdir: must be a string or a function of the properties, got a secret',
    'env: must be an object, got a secret',
  ])
  expect(
    mistakesOf(
      httpRequest('http://x/', { headers: { authorization: `Bearer ${token as unknown as string}` } }),
    ),
  ).toEqual(['headers.authorization: a secret cannot be put into a string; make the whole text one secret'])
  expect(mistakesOf(httpRequest('http://x/', { json: { deep: [token] } }))).toEqual([
    'json: a secret cannot be a part of it; make the whole body one secret',
  ])
  expect(mistakesOf(setProperty('token', { deep: [token] } as never))).toEqual([
    'value: a secret cannot be a property, which everybody may read',
  ])
  const round: Record<string, unknown> = {}
  round.json = round
  expect(mistakesOf(httpRequest('http://x/', { json: round }))).toEqual([])
  expect(mistakesOf(writeFile('a', token as never))).toEqual([
    'content: must be a string or a function of the properties, got a secret',
  ])
})

test('git tells when what should let it in does not fit', () => {
  const [https, ssh] = ['https://git.example/a.git', 'git@git.example:a.git']
  const [password, sshKey] = [secret('TOKEN'), secret('KEY')]
  expect(mistakesOf(git({ repo: https, credentials: { username: 'ci', password } }))).toEqual([])
  expect(mistakesOf(git({ repo: ssh, sshKey, knownHosts: 'git.example ssh-ed25519 AAAA' }))).toEqual([])
  expect(mistakesOf(git({ repo: https, credentials: { password: 'hunter2' as never } }))).toEqual([
    "credentials.password: must be secret('NAME')",
  ])
  expect(mistakesOf(git({ repo: ssh, credentials: { password } }))).toEqual([
    'credentials: they need a repo at http:// or https://',
  ])
  expect(mistakesOf(git({ repo: https, sshKey, credentials: { password }, knownHosts: 'x' }))).toEqual([
    'credentials and sshKey cannot both be there',
    'sshKey: it needs a repo that is reached by ssh',
  ])
  expect(mistakesOf(git({ repo: ssh, knownHosts: 'x' }))).toEqual(['knownHosts: it needs an sshKey'])
})
