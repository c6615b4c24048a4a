import { expect, test } from 'vitest'
import { errorCatalogue, messageOf, RouseError, type ErrorCode } from '../../src/model/errors.ts'

test('an error says its code, what to do and its cause', () => {
  const cause = new Error('ENOENT')
  const error = new RouseError('ROUSE_CONFIG_NOT_FOUND', 'there is no config', { cause })
  expect(error).toMatchObject({ name: 'RouseError', code: 'ROUSE_CONFIG_NOT_FOUND', status: 500, cause })
  expect(error.advice).toBe(errorCatalogue.ROUSE_CONFIG_NOT_FOUND.advice)
  expect(new RouseError('ROUSE_USAGE', 'no', { advice: 'Write yes.' }).advice).toBe('Write yes.')
  expect('cause' in new RouseError('ROUSE_USAGE', 'no')).toBe(false)
})

test.each(Object.keys(errorCatalogue) as ErrorCode[])(
  '%s has advice and an HTTP status of an error',
  (code) => {
    const { advice, status } = errorCatalogue[code]
    expect(code).toMatch(/^ROUSE_[A-Z_]+$/)
    expect(advice).toMatch(/^[A-Z].+[.:]/)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
  },
)

test('anything thrown has a message', () => {
  expect([new Error('a'), 'b', 3, null, undefined].map(messageOf)).toEqual([
    'a',
    'b',
    '3',
    'null',
    'undefined',
  ])
})
