import { expect, test } from 'vitest'
import { defaultModes, isWanted, modes, type Mode } from '../../../src/reporters/mail/modes.ts'
import type { Result } from '../../../src/model/results.ts'

// Which modes send a mail, by the last result and this one.
const table: [previous: Result | null, result: Result, wanting: Mode[]][] = [
  [null, 'SUCCESS', ['all', 'passing']],
  [null, 'FAILURE', ['all', 'failing']],
  [null, 'WARNINGS', ['all', 'warnings']],
  [null, 'EXCEPTION', ['all', 'exception']],
  [null, 'CANCELLED', ['all', 'cancelled']],
  [null, 'SKIPPED', []],
  [null, 'RETRY', []],
  ['SUCCESS', 'SUCCESS', ['all', 'passing']],
  ['SUCCESS', 'FAILURE', ['all', 'change', 'failing', 'problem']],
  ['SUCCESS', 'WARNINGS', ['all', 'change', 'warnings']],
  ['SUCCESS', 'EXCEPTION', ['all', 'change', 'exception']],
  ['SUCCESS', 'CANCELLED', ['all', 'cancelled']],
  ['SUCCESS', 'SKIPPED', []],
  ['FAILURE', 'FAILURE', ['all', 'failing']],
  ['FAILURE', 'SUCCESS', ['all', 'change', 'passing']],
  ['WARNINGS', 'FAILURE', ['all', 'change', 'failing', 'problem']],
  ['EXCEPTION', 'FAILURE', ['all', 'change', 'failing', 'problem']],
]

test.each(table)('after %s, %s is told in the modes %j', (previous, result, wanting) => {
  expect(modes.filter((mode) => isWanted([mode], result, previous))).toEqual(wanting)
})

test('several modes add up, and the default is that of Buildbot', () => {
  expect(isWanted(['failing', 'passing'], 'SUCCESS', null)).toBe(true)
  expect(defaultModes).toEqual(['failing', 'passing', 'warnings'])
})
