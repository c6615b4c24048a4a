import { expect, test } from 'vitest'
import { closest } from '../../src/util/closest.ts'

test.each([
  ['dokc', ['dock', 'rock', 'desk'], 'dock'],
  ['maxBuild', ['maxBuilds', 'properties'], 'maxBuilds'],
  ['MAXBUILDS', ['maxBuilds'], 'maxBuilds'],
  ['keepAliveIntervall', ['keepaliveInterval', 'missingTimeout'], 'keepaliveInterval'],
  ['unti', ['unit', 'until'], 'unit'],
  ['exact', ['exact', 'exactly'], 'exact'],
])('%s probably means one of %j: %s', (word, candidates, expected) => {
  expect(closest(word, candidates)).toBe(expected)
})

test.each([
  ['solaris', ['linux', 'windows']],
  ['password', ['passphrase-file']],
  ['x', []],
])('%s means none of %j', (word, candidates) => {
  expect(closest(word, candidates)).toBeUndefined()
})
