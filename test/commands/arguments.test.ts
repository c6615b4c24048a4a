import { expect, test } from 'vitest'
import { arrangeArguments } from '../../src/commands/arrange-arguments.ts'
import { parseBuildId, parseTarget } from '../../src/commands/parse-ids.ts'
import { parseProperty } from '../../src/commands/parse-property.ts'

test('options before the command count as options behind it', () => {
  const arranged = (line: string) => arrangeArguments(line.split(' ').filter(Boolean))
  expect(arranged('builds --json')).toEqual({ command: 'builds', rest: ['--json'] })
  expect(arranged('--json --url http://x builds --limit 3')).toEqual({
    command: 'builds',
    rest: ['--json', '--url', 'http://x', '--limit', '3'],
  })
  expect(arranged('--url=http://x builds')).toEqual({ command: 'builds', rest: ['--url=http://x'] })
  expect(arranged('--version')).toEqual({ command: undefined, rest: ['--version'] })
  expect(arranged('help force')).toEqual({ command: 'force', rest: ['--help'] })
  expect(arranged('help')).toEqual({ command: undefined, rest: ['--help'] })
  expect(arranged('--url')).toEqual({ command: undefined, rest: ['--url'] })
})

test('a number is a build, r and a number a request', () => {
  expect(parseTarget('17')).toEqual({ kind: 'build', id: 17 })
  expect(parseTarget('r12')).toEqual({ kind: 'request', id: 12 })
  expect(parseBuildId('17')).toBe(17)
  for (const text of ['', '0', 'r0', '-1', '1.5', '1e3', 'x', '17 ', '9'.repeat(20)])
    expect(() => parseTarget(text)).toThrow('neither a build (17) nor a request (r12)')
  expect(() => parseBuildId('r12')).toThrow('is a request')
  expect(() => parseBuildId('seventeen')).toThrow('is not the number of a build')
})

test('a property is text with = and JSON with :=', () => {
  expect(parseProperty('a=1')).toEqual({ a: '1' })
  expect(parseProperty('a=')).toEqual({ a: '' })
  expect(parseProperty('a=b=c:=d')).toEqual({ a: 'b=c:=d' })
  expect(parseProperty('a:=[1, "x", null]', { b: 'kept', a: 'old' })).toEqual({
    b: 'kept',
    a: [1, 'x', null],
  })
  for (const text of ['a', '=1', ':=1', '']) expect(() => parseProperty(text)).toThrow('Write name=text')
  expect(() => parseProperty('a:=b')).toThrow('b is not JSON; write a=b for plain text.')
})
