import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isResult, results, worse } from '../../src/model/results.ts'

test.each([
  ['SUCCESS', 'WARNINGS', 'WARNINGS'],
  ['WARNINGS', 'FAILURE', 'FAILURE'],
  ['FAILURE', 'EXCEPTION', 'EXCEPTION'],
  ['EXCEPTION', 'RETRY', 'RETRY'],
  ['RETRY', 'CANCELLED', 'CANCELLED'],
  ['SKIPPED', 'SUCCESS', 'SUCCESS'],
] as const)('of %s and %s the worse is %s', (a, b, expected) => {
  expect(worse(a, b)).toBe(expected)
  expect(worse(b, a)).toBe(expected)
})

test('the worst of several does not depend on their order', () => {
  const result = fc.constantFrom(...results)
  fc.assert(fc.property(result, result, result, (a, b, c) => worse(worse(a, b), c) === worse(a, worse(c, b))))
})

test('only the seven words in capitals are results', () => {
  expect(results.every(isResult)).toBe(true)
  expect(results).toHaveLength(7)
  expect(['success', 'OK', '', 0, null, undefined, ['SUCCESS']].some(isResult)).toBe(false)
})
