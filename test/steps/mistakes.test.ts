import { expect, test } from 'vitest'
import { copyDir, fileExists, makeDir } from '../../src/steps/file-steps.ts'
import { setProperty, setPropertyFromCommand } from '../../src/steps/set-property.ts'
import { shell } from '../../src/steps/shell.ts'
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
